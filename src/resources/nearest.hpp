#pragma once

#include <span>
#include <string_view>

namespace silhouette {

/// The name that somebody who typed `text` most probably meant: the one with the fewest letters to insert, delete or
/// replace (Levenshtein), letters of either case and '-', '_' and ' ' being equal. Of equals the first. Empty if more
/// than a quarter of the text would have to be changed, and for an empty or very long text.
std::string_view nearest_name(std::string_view text, std::span<const std::string_view> names);

}  // namespace silhouette
