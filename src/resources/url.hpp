#pragma once

#include <string>
#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette {

/// Whether `text` starts with `prefix` (given in lower case), ASCII letters of either case being equal.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept;

/// %XX → byte (RFC 3986, 2.1). kInvalidArgument names the position of the first '%' without two hexadecimal digits;
/// `what` names the text.
Result<std::string> percent_decode(std::string_view text, std::string_view what);

/// An http(s) URL with the spaces and non-ASCII bytes behind its host percent-encoded, as browsers do.
std::string escape_url(std::string_view url);

/// An http(s) URL without user info and fragment, and with its query (where access keys travel) shown as "?…".
std::string redact_url(std::string_view url);

/// `url` with its scheme and host replaced by `origin`, an http(s) URL that may have a path to put in front.
/// kInvalidArgument if `origin` is none; `what` names where it came from.
Result<std::string> replace_origin(std::string_view url, std::string_view origin, std::string_view what);

/// The last part of a URL's path, without query and fragment; may be empty.
std::string_view url_file_name(std::string_view url) noexcept;

}  // namespace silhouette
