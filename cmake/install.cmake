include(CMakePackageConfigHelpers)

install(TARGETS silhouette EXPORT silhouette_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS silhouette_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/silhouette ${PROJECT_BINARY_DIR}/include/silhouette
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES models/deeplab_v3_mobilenet_v2.pte models/ORIGIN.md DESTINATION ${CMAKE_INSTALL_DATADIR}/silhouette/models)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/silhouette)
if(SILHOUETTE_EXECUTORCH)
  get_property(libraries GLOBAL PROPERTY silhouette_executorch_libraries)
  install(FILES ${libraries} DESTINATION ${CMAKE_INSTALL_LIBDIR}/silhouette)
  file(GLOB licence ${SILHOUETTE_EXECUTORCH_DIR}/../executorch-*.dist-info/licenses/LICENSE)
  if(licence)
    install(FILES ${licence} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/silhouette RENAME LICENSE.executorch)
  else()
    message(WARNING "No licence beside ${SILHOUETTE_EXECUTORCH_DIR}: what is installed must not be passed on without it")
  endif()
endif()

install(EXPORT silhouette_targets NAMESPACE silhouette:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/silhouette)
configure_package_config_file(cmake/silhouette-config.cmake.in silhouette-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/silhouette)
write_basic_package_version_file(silhouette-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/silhouette-config.cmake ${PROJECT_BINARY_DIR}/silhouette-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/silhouette)
