#pragma once

#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "silhouette/error.hpp"

namespace silhouette {

/// The error of somebody who may have no memory for its message: `message()`, or else what fits into a string as it is.
template <typename Message>
std::unexpected<Error> fail_anyway(ErrorCode code, const char* otherwise, const Message& message) noexcept {
  try {
    return fail(code, message());
  } catch (...) {
    return fail(code, otherwise);
  }
}

/// What a public function says when memory ends: `message()` if there is memory for that.
template <typename Message>
std::unexpected<Error> out_of_memory(const Message& message) noexcept {
  return fail_anyway(ErrorCode::kLimitExceeded, "out of memory", message);
}

/// Runs a public function's body so that nothing is thrown across the API: the standard library throws where memory or
/// threads run out. `message()` is what to say of the former.
template <typename Body, typename Message>
auto guarded(Body&& body, const Message& message) noexcept -> decltype(body()) {
  constexpr const char* kUnexpected = "failed";
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return out_of_memory(message);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::not_enough_memory) return out_of_memory(message);
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return fail_anyway(ErrorCode::kLimitExceeded, "out of threads", [] {
        return "the system gives no more threads; end other programs, or raise the limit on processes (ulimit -u)";
      });
    }
    return fail_anyway(ErrorCode::kInternal, kUnexpected,
                       [&] { return std::string("unexpected failure: ") + error.what(); });
  } catch (const std::exception& error) {
    return fail_anyway(ErrorCode::kInternal, kUnexpected,
                       [&] { return std::string("unexpected failure: ") + error.what(); });
  } catch (...) {
    return fail_anyway(ErrorCode::kInternal, kUnexpected, [] { return "unexpected failure"; });
  }
}

template <typename Body>
auto guarded(Body&& body) noexcept -> decltype(body()) {
  return guarded(std::forward<Body>(body),
                 [] { return "out of memory; use a smaller image or model, or end other programs"; });
}

}  // namespace silhouette
