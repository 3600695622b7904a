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

/// Lets each request for memory of a scenario fail in turn, or some hundreds of them evenly spread unless the
/// environment has SILHOUETTE_FAULTS=all, in processes of their own. Whatever becomes of a request of this library's
/// own, or of others', the call must give the right result or kLimitExceeded with a message, leave nothing behind, and
/// the next call must give the right result. Where another library ends the process, that is counted and printed; so
/// is what only other libraries leave behind. The rest fails the test.
void expect_every_failure_is_clean(const std::string& name, const Scenario& scenario, Mode mode,
                                   Start start = Start::kWarm);

/// The same for threads: with 0 … `most` to be had, and fresh processes.
void expect_few_threads_do(const std::string& name, const Scenario& scenario, int most);

/// Calls a scenario once in another process; its failure fails the test. For what has to be there before.
void prepare(const Scenario& scenario);

}  // namespace silhouette::test::faults
