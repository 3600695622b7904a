#include "formats/pte/kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "formats/pte/kernel_shapes.hpp"

namespace silhouette::pte {
namespace {

/// Which element types go together.
enum class Types : std::uint8_t {
  kFloat,       // all tensors are float
  kAny,         // any
  kSame,        // all the same
  kIndexed,     // float, the last result int64
  kQuantize,    // float to int8 or uint8
  kDequantize,  // int8 or uint8 to float
};

/// `arguments`, one letter each: T tensor, t tensor or none, L list of tensors, S number, s number or none, I integer,
/// i integer or none, D real, B boolean, J list of integers, j the same or none, G list of reals or
/// none, O result. The runtime's call has one argument more, the returned value, which no kernel reads; only its own
/// primitives ("executorch_prim::") have none.
struct Signature {
  std::string_view name;
  std::string_view arguments;
  KernelRule rule;
  Types types;
};

constexpr std::array kSignatures{
    Signature{"aten::_adaptive_avg_pool2d.out", "TJO", KernelRule::kAdaptivePool, Types::kFloat},
    Signature{"aten::_log_softmax.out", "TIBO", KernelRule::kSoftmax, Types::kFloat},
    Signature{"aten::_native_batch_norm_legit_no_training.out", "TttTTDDOOO", KernelRule::kBatchNorm, Types::kFloat},
    Signature{"aten::_softmax.out", "TIBO", KernelRule::kSoftmax, Types::kFloat},
    Signature{"aten::_to_copy.out", "TBiO", KernelRule::kSame, Types::kAny},
    Signature{"aten::abs.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::add.Scalar_out", "TSSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::add.out", "TTSO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::argmax.out", "TiBO", KernelRule::kReduce, Types::kIndexed},
    Signature{"aten::avg_pool2d.out", "TJJJBBiO", KernelRule::kPool, Types::kFloat},
    Signature{"aten::cat.out", "LIO", KernelRule::kConcatenate, Types::kSame},
    Signature{"aten::clamp.out", "TssO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::clone.out", "TiO", KernelRule::kSame, Types::kSame},
    Signature{"aten::convolution.out", "TTtJJJBJIO", KernelRule::kConvolution, Types::kFloat},
    Signature{"aten::div.Scalar_out", "TSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::div.out", "TTO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::elu.out", "TSSSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::exp.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::expand_copy.out", "TJBO", KernelRule::kExpand, Types::kSame},
    Signature{"aten::hardtanh.out", "TSSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::leaky_relu.out", "TSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::linear.out", "TTtO", KernelRule::kLinear, Types::kFloat},
    Signature{"aten::log.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::max_pool2d_with_indices.out", "TJJJJBOO", KernelRule::kPool, Types::kIndexed},
    Signature{"aten::maximum.out", "TTO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::mean.out", "TjBiO", KernelRule::kReduce, Types::kFloat},
    Signature{"aten::minimum.out", "TTO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::mul.Scalar_out", "TSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::mul.out", "TTO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::neg.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::permute_copy.out", "TJO", KernelRule::kPermute, Types::kSame},
    Signature{"aten::relu.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::rsqrt.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::sigmoid.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::sqrt.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::squeeze_copy.dims_out", "TJO", KernelRule::kSqueeze, Types::kSame},
    Signature{"aten::sub.Scalar_out", "TSSO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::sub.out", "TTSO", KernelRule::kBroadcast, Types::kFloat},
    Signature{"aten::tanh.out", "TO", KernelRule::kSame, Types::kFloat},
    Signature{"aten::unsqueeze_copy.out", "TIO", KernelRule::kSqueeze, Types::kSame},
    Signature{"aten::upsample_bilinear2d.vec_out", "TjBGO", KernelRule::kResize, Types::kFloat},
    Signature{"aten::upsample_nearest2d.vec_out", "TjGO", KernelRule::kResize, Types::kFloat},
    Signature{"aten::view_copy.out", "TJO", KernelRule::kView, Types::kSame},
    Signature{"dim_order_ops::_clone_dim_order.out", "TBjO", KernelRule::kDimOrder, Types::kSame},
    Signature{"dim_order_ops::_to_dim_order_copy.out", "TBjO", KernelRule::kDimOrder, Types::kAny},
    Signature{"executorch_prim::et_view.default", "TJO", KernelRule::kView, Types::kSame},
    Signature{"quantized_decomposed::dequantize_per_tensor.out", "TDIIIIiO", KernelRule::kQuantize, Types::kDequantize},
    Signature{"quantized_decomposed::quantize_per_tensor.out", "TDIIIIO", KernelRule::kQuantize, Types::kQuantize},
};

bool is_kind(char letter, ValueKind kind) {
  const bool none = kind == ValueKind::kNone;
  const bool number = kind == ValueKind::kInt || kind == ValueKind::kDouble || kind == ValueKind::kBool;
  switch (letter) {
    case 'T':
    case 'O': return kind == ValueKind::kTensor;
    case 't': return none || kind == ValueKind::kTensor;
    case 'L': return kind == ValueKind::kTensorList;
    case 'S': return number;
    case 's': return none || number;
    case 'I': return kind == ValueKind::kInt;
    case 'i': return none || kind == ValueKind::kInt;
    case 'D': return kind == ValueKind::kDouble;
    case 'B': return kind == ValueKind::kBool;
    case 'J': return kind == ValueKind::kIntList;
    case 'j': return none || kind == ValueKind::kIntList;
    case 'G': return none || kind == ValueKind::kDoubleList;
    default: return false;
  }
}

class Verifier {
 public:
  Verifier(const Plan& plan, const Call& call, const Messages& messages)
      : plan_(plan), call_(call), messages_(messages) {}

  Status verify() {
    const auto* const found = std::ranges::find(kSignatures, std::string_view(call_.operator_name), &Signature::name);
    if (found == kSignatures.end()) return messages_.unsupported("the operator isn't known outside a delegate");
    signature_ = found;
    if (auto ok = check_arguments(); !ok) return ok;
    if (auto ok = check_types(); !ok) return ok;
    return verify_kernel_shapes(signature_->rule, arguments_, messages_);
  }

 private:
  Status check_arguments() {
    const auto letters = signature_->arguments;
    const bool primitive = signature_->name.starts_with("executorch_prim::");
    const std::size_t expected = letters.size() + (primitive ? 0 : 1);
    if (call_.args.size() != expected) {
      return messages_.damaged(fmt::format("it has {} arguments instead of {}", call_.args.size(), expected));
    }
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const Value& value = plan_.values[call_.args[i]];
      arguments_.all.push_back(&value);
      if (!is_kind(letters[i], value.kind))
        return messages_.damaged(fmt::format("argument {} is of the wrong kind", i));
      if (value.kind == ValueKind::kTensor) {
        if (auto ok = take(value.tensor, letters[i] == 'O', i); !ok) return ok;
      }
      for (const std::size_t item : value.items) {
        if (auto ok = take(plan_.values[item].tensor, false, i); !ok) return ok;
      }
    }
    if (arguments_.inputs.empty()) return messages_.damaged("it has no tensor to work on");
    // A view makes its result another name for its operand's memory, so that must be writable too.
    if (primitive && arguments_.inputs[0]->storage != Storage::kPlanned)
      return messages_.unsupported("it views a constant or an input");
    return {};
  }

  Status take(const Tensor& tensor, bool result, std::size_t i) {
    if (result && tensor.storage != Storage::kPlanned)
      return messages_.damaged(fmt::format("argument {} is a result without memory of its own", i));
    const bool set_by_caller = tensor.storage == Storage::kCaller;
    if (set_by_caller &&
        std::ranges::none_of(plan_.inputs, [&](std::size_t input) { return &plan_.values[input].tensor == &tensor; })) {
      return messages_.damaged(fmt::format("argument {} is a tensor without memory", i));
    }
    (result ? arguments_.results : arguments_.inputs).push_back(&tensor);
    return {};
  }

  Status check_types() const {
    const auto all = [](std::span<const Tensor* const> tensors, auto... types) {
      return std::ranges::all_of(tensors, [=](const Tensor* t) { return ((t->info.type == types) || ...); });
    };
    bool fits = true;
    switch (signature_->types) {
      case Types::kFloat:
        fits = all(arguments_.inputs, ScalarType::kFloat) && all(arguments_.results, ScalarType::kFloat);
        break;
      case Types::kAny: break;
      case Types::kSame:
        fits = all(arguments_.inputs, arguments_.results[0]->info.type) &&
               all(arguments_.results, arguments_.results[0]->info.type);
        break;
      case Types::kIndexed:
        fits = all(arguments_.inputs, ScalarType::kFloat) &&
               arguments_.results.back()->info.type == ScalarType::kInt64 &&
               all(std::span(arguments_.results).first(arguments_.results.size() - 1), ScalarType::kFloat);
        break;
      case Types::kQuantize:
        fits = all(arguments_.inputs, ScalarType::kFloat) &&
               all(arguments_.results, ScalarType::kInt8, ScalarType::kUint8);
        break;
      case Types::kDequantize:
        fits = all(arguments_.inputs, ScalarType::kInt8, ScalarType::kUint8) &&
               all(arguments_.results, ScalarType::kFloat);
        break;
    }
    if (fits) return {};
    return messages_.unsupported(
        fmt::format("it makes {} of {}", describe(arguments_.results[0]->info), describe(arguments_.inputs[0]->info)));
  }

  const Plan& plan_;
  const Call& call_;
  const Messages& messages_;
  const Signature* signature_ = nullptr;
  KernelArguments arguments_;
};

}  // namespace

Status verify_kernel_call(const Plan& plan, const Call& call, const Messages& messages) {
  return Verifier(plan, call, messages).verify();
}

}  // namespace silhouette::pte
