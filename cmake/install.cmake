include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/silhouette)

# The component silhouette_core: all of it, and all that there is with SILHOUETTE_CORE_ONLY.
install(TARGETS silhouette_core EXPORT silhouette_core_targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT silhouette_core NAMELINK_COMPONENT silhouette_core)
install(FILES include/silhouette/core/session.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/silhouette/core COMPONENT silhouette_core)
install(FILES
          include/silhouette/error.hpp include/silhouette/export.hpp include/silhouette/network_choices.hpp
          include/silhouette/normalization.hpp include/silhouette/pixels.hpp include/silhouette/shapes.hpp ${PROJECT_BINARY_DIR}/include/silhouette/version.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/silhouette COMPONENT silhouette_core)
install(EXPORT silhouette_core_targets NAMESPACE silhouette:: DESTINATION ${package} COMPONENT silhouette_core)
configure_package_config_file(cmake/silhouette-config.cmake.in silhouette-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(silhouette-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/silhouette-config.cmake ${PROJECT_BINARY_DIR}/silhouette-config-version.cmake
        DESTINATION ${package} COMPONENT silhouette_core)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/silhouette COMPONENT silhouette_core)
if(SILHOUETTE_CORE_ONLY)
  return()
endif()

install(TARGETS silhouette EXPORT silhouette_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS silhouette_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/silhouette ${PROJECT_BINARY_DIR}/include/silhouette
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES ${SILHOUETTE_MODELS} DESTINATION ${CMAKE_INSTALL_DATADIR}/silhouette/models)
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

install(EXPORT silhouette_targets NAMESPACE silhouette:: DESTINATION ${package})
