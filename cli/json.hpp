#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace silhouette::cli {

/// Keys stay in the order in which they are written here, which is the order that people read them in.
using Json = nlohmann::ordered_json;

/// One object in one line. Paths and labels needn't be UTF-8; what isn't becomes U+FFFD.
inline std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The same indented, for commands that print one object.
inline std::string json_text(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace silhouette::cli
