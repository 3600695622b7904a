#include "formats/pte/kernel_shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "formats/pte/limits.hpp"

namespace silhouette::pte {
namespace {

using Sizes = std::vector<std::int64_t>;

// The runtime's numbers of element types.
constexpr std::int64_t kByteCode = 0;
constexpr std::int64_t kCharCode = 1;
constexpr std::int64_t kFloatCode = 6;

std::int64_t elements(const Sizes& sizes) {
  std::int64_t result = 1;
  for (const std::int64_t size : sizes) result *= size;  // bounded when the value was read
  return result;
}

bool broadcasts_to(const Sizes& from, const Sizes& to) {
  if (from.size() > to.size()) return false;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    if (from[from.size() - i] != to[to.size() - i] && from[from.size() - i] != 1) return false;
  }
  return true;
}

/// Whether each of `list` is in [-rank, rank).
bool are_dims(const Sizes& list, std::size_t rank) {
  const auto limit = static_cast<std::int64_t>(rank);
  return std::ranges::all_of(list, [=](std::int64_t dim) { return dim >= -limit && dim < limit; });
}

bool all_within(const Sizes& list, std::int64_t least) {
  return std::ranges::all_of(list, [=](std::int64_t v) { return v >= least && v <= kMaxWindowParameter; });
}

class Verifier {
 public:
  Verifier(const KernelArguments& arguments, const Messages& messages)
      : arguments_(arguments),
        messages_(messages),
        in_(arguments.inputs[0]->info.sizes),
        out_(arguments.results[0]->info.sizes) {}

  Status verify(KernelRule rule) const {
    switch (rule) {
      case KernelRule::kSame: return require(in_ == out_);
      case KernelRule::kBroadcast: return check_broadcast();
      case KernelRule::kView: return require(elements(in_) == elements(out_) && is_given_shape(list(1)));
      case KernelRule::kSqueeze:
        return require(elements(in_) == elements(out_) && are_dims(dims(), std::max(in_.size(), out_.size())));
      case KernelRule::kPermute: return require(is_permuted());
      case KernelRule::kExpand: return require(broadcasts_to(in_, out_) && is_given_shape(list(1)));
      case KernelRule::kDimOrder: return require(in_ == out_ && is_given_order());
      case KernelRule::kConcatenate: return require(is_concatenated());
      case KernelRule::kConvolution: return check_convolution();
      case KernelRule::kPool: return check_pool();
      case KernelRule::kAdaptivePool: return require(are_images() && list(1) == Sizes{out_[2], out_[3]});
      case KernelRule::kResize: return require(are_images() && is_given_size());
      case KernelRule::kReduce:
        return require(out_.size() <= in_.size() && elements(in_) > 0 && elements(out_) > 0 &&
                       elements(in_) % elements(out_) == 0 && are_dims(dims(), in_.size()));
      case KernelRule::kSoftmax: return require(in_ == out_ && !in_.empty() && are_dims(dims(), in_.size()));
      case KernelRule::kBatchNorm: return check_batch_norm();
      case KernelRule::kLinear: return check_linear();
      case KernelRule::kQuantize: return check_quantize();
    }
    return messages_.unsupported("its shapes aren't known");
  }

 private:
  [[nodiscard]] const Sizes& list(std::size_t i) const { return arguments_.all[i]->integers; }
  [[nodiscard]] std::int64_t integer(std::size_t i) const { return arguments_.all[i]->integer; }
  [[nodiscard]] bool given(std::size_t i) const { return arguments_.all[i]->kind != ValueKind::kNone; }

  /// The dimensions that argument 1 names, whether it is a list, a number or absent.
  [[nodiscard]] Sizes dims() const {
    const Value& value = *arguments_.all[1];
    return value.kind == ValueKind::kInt ? Sizes{value.integer} : value.integers;
  }

  Status require(bool fits) const {
    if (fits) return {};
    return messages_.damaged(
        fmt::format("it makes {} of {}", describe(arguments_.results[0]->info), describe(arguments_.inputs[0]->info)));
  }

  /// Operand and result are images with as many channels.
  [[nodiscard]] bool are_images() const {
    return in_.size() == 4 && out_.size() == 4 && in_[0] == out_[0] && in_[1] == out_[1] && elements(in_) > 0 &&
           elements(out_) > 0;
  }

  /// Whether a list of sizes, where -1 stands for any, means the result's shape.
  [[nodiscard]] bool is_given_shape(const Sizes& sizes) const {
    return std::ranges::equal(sizes, out_,
                              [](std::int64_t given, std::int64_t real) { return given == real || given == -1; }) &&
           std::ranges::all_of(out_, [](std::int64_t size) { return size > 0; });
  }

  [[nodiscard]] bool is_given_order() const {
    const auto& order = arguments_.results[0]->info.dim_order;
    return !given(2) || std::ranges::equal(list(2), order, [](std::int64_t a, std::uint8_t b) { return a == b; });
  }

  /// Sizes come either as a list (argument 1) or as factors (the last argument before the result).
  [[nodiscard]] bool is_given_size() const {
    const std::size_t factors_at = arguments_.all.size() - 2;
    if (given(1) == given(factors_at)) return false;
    if (given(1)) return list(1) == Sizes{out_[2], out_[3]};
    const auto& factors = arguments_.all[factors_at]->numbers;
    if (factors.size() != 2) return false;
    for (std::size_t d = 0; d < 2; ++d) {
      if (std::floor(static_cast<double>(in_[2 + d]) * factors[d]) != static_cast<double>(out_[2 + d])) return false;
    }
    return true;
  }

  Status check_broadcast() const {
    if (arguments_.inputs.size() < 2) return require(false);
    const Sizes& other = arguments_.inputs[1]->info.sizes;
    return require(broadcasts_to(in_, out_) && broadcasts_to(other, out_) &&
                   out_.size() == std::max(in_.size(), other.size()));
  }

  [[nodiscard]] bool is_permuted() const {
    const Sizes& order = list(1);
    if (order.size() != in_.size() || out_.size() != in_.size() || !are_dims(order, in_.size())) return false;
    std::vector<bool> seen(in_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto dim =
          static_cast<std::size_t>(order[i] < 0 ? order[i] + static_cast<std::int64_t>(in_.size()) : order[i]);
      if (seen[dim] || out_[i] != in_[dim]) return false;
      seen[dim] = true;
    }
    return true;
  }

  [[nodiscard]] bool is_concatenated() const {
    const Sizes axes = dims();
    if (axes.size() != 1 || !are_dims(axes, out_.size())) return false;
    const auto axis =
        static_cast<std::size_t>(axes[0] < 0 ? axes[0] + static_cast<std::int64_t>(out_.size()) : axes[0]);
    std::int64_t sum = 0;
    for (const Tensor* tensor : arguments_.inputs) {
      Sizes sizes = tensor->info.sizes;
      if (sizes.size() != out_.size()) return false;
      sum += std::exchange(sizes[axis], out_[axis]);
      if (sizes != out_) return false;
    }
    return sum == out_[axis];
  }

  Status check_convolution() const {
    const Sizes& weight = arguments_.inputs[1]->info.sizes;
    const Sizes& stride = list(3);
    const Sizes& padding = list(4);
    const Sizes& dilation = list(5);
    const bool transposed = integer(6) != 0;
    const Sizes& extra = list(7);
    const std::int64_t groups = integer(8);
    if (in_.size() != 4 || weight.size() != 4 || out_.size() != 4)
      return messages_.unsupported("it isn't a convolution of images");
    if (stride.size() != 2 || padding.size() != 2 || dilation.size() != 2 || extra.size() != 2 ||
        !all_within(stride, 1) || !all_within(padding, 0) || !all_within(dilation, 1) || !all_within(extra, 0)) {
      return messages_.damaged(fmt::format("it has the strides [{}], paddings [{}] and dilations [{}]",
                                           fmt::join(stride, ", "), fmt::join(padding, ", "),
                                           fmt::join(dilation, ", ")));
    }
    if (elements(in_) == 0 || elements(weight) == 0 || !all_within({weight[2], weight[3]}, 1)) return require(false);
    if (groups < 1 || groups > weight[0] || weight[0] % groups != 0)
      return messages_.damaged(fmt::format("it has {} groups", groups));
    const std::int64_t channels = transposed ? weight[1] * groups : weight[0];
    if (in_[1] != (transposed ? weight[0] : weight[1] * groups) || out_[0] != in_[0] || out_[1] != channels)
      return require(false);
    if (arguments_.inputs.size() > 2 && arguments_.inputs[2]->info.sizes != Sizes{channels}) {
      return messages_.damaged("its bias doesn't go with its channels");
    }
    for (std::size_t d = 2; d < 4; ++d) {
      const std::int64_t reach = (weight[d] - 1) * dilation[d - 2] + 1;
      const std::int64_t padded = in_[d] + 2 * padding[d - 2];
      const std::int64_t size = transposed ? (in_[d] - 1) * stride[d - 2] - 2 * padding[d - 2] + reach + extra[d - 2]
                                           : (padded - reach) / stride[d - 2] + 1;
      if ((!transposed && padded < reach) || size != out_[d]) return require(false);
    }
    return {};
  }

  Status check_pool() const {
    if (!are_images() || arguments_.results.back()->info.sizes != out_) return require(false);
    const bool maximum = arguments_.results.size() == 2;
    const Sizes& kernel = list(1);
    const Sizes& stride = list(2);
    const Sizes& padding = list(3);
    const Sizes dilation = maximum ? list(4) : Sizes{1};
    const auto is_pair = [](const Sizes& sizes) { return sizes.size() == 1 || sizes.size() == 2; };
    if (!is_pair(kernel) || !is_pair(padding) || !is_pair(dilation) || stride.size() > 2 || !all_within(kernel, 1) ||
        !all_within(stride, 1) || !all_within(padding, 0) || !all_within(dilation, 1) ||
        2 * std::ranges::max(padding) > std::ranges::min(kernel)) {
      return messages_.damaged(fmt::format("it has the window [{}], strides [{}], paddings [{}] and dilations [{}]",
                                           fmt::join(kernel, ", "), fmt::join(stride, ", "), fmt::join(padding, ", "),
                                           fmt::join(dilation, ", ")));
    }
    if (!maximum && given(6) && integer(6) == 0) return messages_.damaged("it divides by zero");
    return {};
  }

  Status check_batch_norm() const {
    // Weight and bias are optional, mean and variance always there, all with one number a channel.
    const bool fits = in_ == out_ && in_.size() >= 2 && arguments_.inputs.size() >= 3 &&
                      std::all_of(arguments_.inputs.begin() + 1, arguments_.inputs.end(),
                                  [&](const Tensor* tensor) { return tensor->info.sizes == Sizes{in_[1]}; });
    return require(fits);
  }

  Status check_linear() const {
    const Sizes& weight = arguments_.inputs[1]->info.sizes;
    if (in_.empty() || weight.size() != 2 || in_.back() != weight[1]) return require(false);
    Sizes expected = in_;
    expected.back() = weight[0];
    if (arguments_.inputs.size() > 2 && arguments_.inputs[2]->info.sizes != Sizes{weight[0]}) {
      return messages_.damaged("its bias doesn't go with its weights");
    }
    return require(out_ == expected);
  }

  Status check_quantize() const {
    const bool quantizes = arguments_.inputs[0]->info.type == ScalarType::kFloat;
    const Tensor& quantized = quantizes ? *arguments_.results[0] : *arguments_.inputs[0];
    const bool is_signed = quantized.info.type == ScalarType::kInt8;
    const std::int64_t least = is_signed ? -128 : 0;
    const std::int64_t most = is_signed ? 127 : 255;
    const double scale = arguments_.all[1]->number;
    const std::int64_t zero_point = integer(2);
    const std::int64_t low = integer(3);
    const std::int64_t high = integer(4);
    if (!(scale > 0) || !std::isfinite(scale) || low < least || high > most || zero_point < low || zero_point > high ||
        integer(5) != (is_signed ? kCharCode : kByteCode)) {
      return messages_.damaged(
          fmt::format("it has the scale {} and zero point {} in [{}, {}]", scale, zero_point, low, high));
    }
    if (!quantizes && given(6) && integer(6) != kFloatCode)
      return messages_.unsupported("it makes something else than fp32");
    return require(in_ == out_);
  }

  const KernelArguments& arguments_;
  const Messages& messages_;
  const Sizes& in_;
  const Sizes& out_;
};

}  // namespace

Status verify_kernel_shapes(KernelRule rule, const KernelArguments& arguments, const Messages& messages) {
  return Verifier(arguments, messages).verify(rule);
}

}  // namespace silhouette::pte
