#pragma once

#include <exception>
#include <new>
#include <string>

#include "silhouette/error.hpp"

namespace silhouette {

/// Runs a public function's body so that nothing is thrown across the API: the standard library throws where memory or
/// threads run out.
template <typename Body>
auto guarded(Body&& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded, "out of memory");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unexpected failure: ") + error.what());
  } catch (...) {
    return fail(ErrorCode::kInternal, "unexpected failure");
  }
}

}  // namespace silhouette
