#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "faults/interpose.hpp"
#include "silhouette/error.hpp"

namespace silhouette::test::faults {

/// What came of one call of all that a scenario does.
struct Attempt {
  std::optional<Error> error;
  std::uint64_t result = 0;  ///< a hash of all results
};
using Scenario = std::function<Attempt()>;

/// What is left of a library's first use can't be told from a leak: those calls are judged by their answers alone.
enum class Start : std::uint8_t {
  kWarm,  ///< after two calls that succeed; nothing may be left of one that fails
  kFresh  ///< each in a process of its own, in which nothing has been called
};

struct Tally {
  long points = 0;
  long misnamed = 0;  ///< another library was refused, and what it says of that is no lack of memory
  long spoilt = 0;    ///< another library was refused, and the result is wrong
};

/// Lets requests for memory of a scenario fail in turn, in processes of their own: `most` of them, evenly spread, or
/// all if the environment has SILHOUETTE_FAULTS=all. The call must give the right result or kLimitExceeded with a
/// message, leave nothing behind, and the next call must give the right result; anything else fails the test if the
/// request was this library's own. Where another library's was refused it may end the process (GLib does), keep
/// something, or be misunderstood, all of which is counted and printed.
Tally expect_every_failure_is_clean(const std::string& name, const Scenario& scenario, Mode mode, long most,
                                    Start start = Start::kWarm);

/// The same for threads: with 0 … `most` to be had, and fresh processes.
void expect_few_threads_do(const std::string& name, const Scenario& scenario, int most);

/// Calls a scenario once in another process; its failure fails the test. For what has to be there before.
void prepare(const Scenario& scenario);

}  // namespace silhouette::test::faults
