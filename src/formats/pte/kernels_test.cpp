#include "formats/pte/kernels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/pte/plan.hpp"

namespace silhouette::pte {
namespace {

using ::testing::HasSubstr;
using Sizes = std::vector<std::int64_t>;

/// A method with one kernel call.
class CallBuilder {
 public:
  explicit CallBuilder(std::string name) { call_.operator_name = std::move(name); }

  CallBuilder& tensor(const Sizes& sizes, ScalarType type = ScalarType::kFloat, Storage storage = Storage::kPlanned) {
    Value& value = add(ValueKind::kTensor);
    value.tensor.info.sizes = sizes;
    value.tensor.info.type = type;
    value.tensor.storage = storage;
    for (std::size_t i = 0; i < sizes.size(); ++i) value.tensor.info.dim_order.push_back(static_cast<std::uint8_t>(i));
    return *this;
  }
  CallBuilder& none() {
    add(ValueKind::kNone);
    return *this;
  }
  CallBuilder& integer(std::int64_t v) {
    add(ValueKind::kInt).integer = v;
    return *this;
  }
  CallBuilder& boolean(bool v) {
    add(ValueKind::kBool).integer = v ? 1 : 0;
    return *this;
  }
  CallBuilder& real(double v) {
    add(ValueKind::kDouble).number = v;
    return *this;
  }
  CallBuilder& integers(const Sizes& v) {
    add(ValueKind::kIntList).integers = v;
    return *this;
  }
  CallBuilder& reals(const std::vector<double>& v) {
    add(ValueKind::kDoubleList).numbers = v;
    return *this;
  }
  CallBuilder& tensors(const std::vector<Sizes>& list) {
    std::vector<std::size_t> items;
    for (const Sizes& sizes : list) {
      tensor(sizes);
      call_.args.pop_back();
      items.push_back(plan_.values.size() - 1);
    }
    add(ValueKind::kTensorList).items = items;
    return *this;
  }

  /// The error of the call, or an empty text. The result is passed twice, as the runtime wants it.
  std::string fault(bool returned = true) {
    if (returned) call_.args.push_back(call_.args.back());
    const auto ok = verify_kernel_call(plan_, call_, messages_of("m.pte"));
    return ok ? "" : ok.error().message;
  }
  ErrorCode code() {
    const auto ok = verify_kernel_call(plan_, call_, messages_of("m.pte"));
    return ok ? ErrorCode{} : ok.error().code;
  }

 private:
  Value& add(ValueKind kind) {
    call_.args.push_back(plan_.values.size());
    plan_.values.emplace_back().kind = kind;
    return plan_.values.back();
  }
  Plan plan_;
  Call call_;
};

using B = CallBuilder;
const Sizes kImage{1, 4, 8, 6};

TEST(Kernels, KnowsOnlyTheListed) {
  EXPECT_THAT(B("aten::index_put.out").tensor(kImage).tensor(kImage).fault(),
              HasSubstr("isn't known outside a delegate"));
  EXPECT_EQ(B("aten::relu").tensor(kImage).code(), ErrorCode::kUnsupportedModel);
}

TEST(Kernels, ChecksNumberAndKindsOfArguments) {
  EXPECT_EQ(B("aten::clone.out").tensor(kImage).none().tensor(kImage).fault(), "");
  EXPECT_THAT(B("aten::clone.out").tensor(kImage).none().tensor(kImage).fault(false),
              HasSubstr("3 arguments instead of 4"));
  EXPECT_THAT(B("aten::clone.out").tensor(kImage).tensor(kImage).tensor(kImage).fault(),
              HasSubstr("argument 1 is of the wrong kind"));
  EXPECT_THAT(B("aten::clone.out").none().none().tensor(kImage).fault(), HasSubstr("argument 0 is of the wrong kind"));
  EXPECT_THAT(B("aten::relu.out").tensor(kImage).integer(1).fault(), HasSubstr("argument 1 is of the wrong kind"));
  EXPECT_THAT(B("aten::cat.out").tensors({}).integer(0).tensor(kImage).fault(), HasSubstr("no tensor to work on"));
}

TEST(Kernels, ChecksMemory) {
  const auto constant = Storage::kConstant;
  EXPECT_EQ(B("aten::relu.out").tensor(kImage, ScalarType::kFloat, constant).tensor(kImage).fault(), "");
  EXPECT_THAT(B("aten::relu.out").tensor(kImage).tensor(kImage, ScalarType::kFloat, constant).fault(),
              HasSubstr("without memory of its own"));
  EXPECT_THAT(B("aten::relu.out").tensor(kImage, ScalarType::kFloat, Storage::kCaller).tensor(kImage).fault(),
              HasSubstr("a tensor without memory"));
  EXPECT_EQ(B("executorch_prim::et_view.default").tensor({4, 2}).integers({8}).tensor({8}).fault(false), "");
  EXPECT_THAT(B("executorch_prim::et_view.default")
                  .tensor({4, 2}, ScalarType::kFloat, constant)
                  .integers({8})
                  .tensor({8})
                  .fault(false),
              HasSubstr("views a constant"));
}

TEST(Kernels, ChecksTypes) {
  EXPECT_THAT(B("aten::relu.out").tensor(kImage, ScalarType::kInt64).tensor(kImage).fault(),
              HasSubstr("makes float [1, 4, 8, 6] of int64"));
  EXPECT_THAT(B("aten::clone.out").tensor(kImage, ScalarType::kInt8).none().tensor(kImage).fault(),
              HasSubstr("of int8"));
  EXPECT_EQ(B("dim_order_ops::_to_dim_order_copy.out")
                .tensor({}, ScalarType::kInt64)
                .boolean(false)
                .integers({})
                .tensor({})
                .fault(),
            "");
  EXPECT_EQ(
      B("aten::argmax.out").tensor(kImage).integer(1).boolean(false).tensor({1, 8, 6}, ScalarType::kInt64).fault(), "");
  EXPECT_THAT(B("aten::argmax.out").tensor(kImage).integer(1).boolean(false).tensor({1, 8, 6}).fault(),
              HasSubstr("it makes float"));
}

TEST(Kernels, ChecksSimpleShapes) {
  EXPECT_THAT(B("aten::relu.out").tensor(kImage).tensor({1, 4, 8, 7}).fault(),
              HasSubstr("it makes float [1, 4, 8, 7]"));
  EXPECT_EQ(B("aten::add.out").tensor(kImage).tensor({4, 1, 1}).integer(1).tensor(kImage).fault(), "");
  EXPECT_NE(B("aten::add.out").tensor(kImage).tensor({3, 1, 1}).integer(1).tensor(kImage).fault(), "");
  EXPECT_NE(B("aten::mul.out").tensor({}).tensor({}).tensor(kImage).fault(), "");
  EXPECT_EQ(B("aten::view_copy.out").tensor(kImage).integers({1, -1, 6}).tensor({1, 32, 6}).fault(), "");
  EXPECT_NE(B("aten::view_copy.out").tensor(kImage).integers({1, -1, 6}).tensor({1, 31, 6}).fault(), "");
  EXPECT_NE(B("aten::view_copy.out").tensor(kImage).integers({1, 32}).tensor({1, 32, 6}).fault(), "");
  EXPECT_EQ(B("aten::permute_copy.out").tensor(kImage).integers({0, 2, 3, -3}).tensor({1, 8, 6, 4}).fault(), "");
  EXPECT_NE(B("aten::permute_copy.out").tensor(kImage).integers({0, 2, 3, 9}).tensor({1, 8, 6, 4}).fault(), "");
  EXPECT_NE(B("aten::permute_copy.out").tensor({2, 2}).integers({0, 0}).tensor({2, 2}).fault(), "");
  EXPECT_EQ(
      B("aten::expand_copy.out").tensor({1, 4, 1, 1}).integers({-1, 4, 8, 6}).boolean(false).tensor(kImage).fault(),
      "");
  EXPECT_NE(
      B("aten::expand_copy.out").tensor({1, 3, 1, 1}).integers({1, 4, 8, 6}).boolean(false).tensor(kImage).fault(), "");
  EXPECT_EQ(B("aten::cat.out").tensors({{1, 1, 2}, {1, 3, 2}}).integer(-2).tensor({1, 4, 2}).fault(), "");
  EXPECT_NE(B("aten::cat.out").tensors({{1, 1, 2}, {1, 4, 2}}).integer(-2).tensor({1, 4, 2}).fault(), "");
  EXPECT_NE(B("aten::cat.out").tensors({{1, 1, 2}, {1, 3, 2}}).integer(3).tensor({1, 4, 2}).fault(), "");
  EXPECT_NE(B("aten::_softmax.out").tensor(kImage).integer(4).boolean(false).tensor(kImage).fault(), "");
  EXPECT_EQ(B("aten::mean.out").tensor(kImage).integers({2, 3}).boolean(true).none().tensor({1, 4, 1, 1}).fault(), "");
  EXPECT_NE(B("aten::mean.out").tensor(kImage).integers({2, 40}).boolean(true).none().tensor({1, 4, 1, 1}).fault(), "");
  EXPECT_NE(B("dim_order_ops::_to_dim_order_copy.out")
                .tensor(kImage)
                .boolean(false)
                .integers({0, 2, 3, 1})
                .tensor(kImage)
                .fault(),
            "");
}

B convolution(std::int64_t groups, const Sizes& stride, const Sizes& bias, const Sizes& out) {
  B call("aten::convolution.out");
  call.tensor(kImage)
      .tensor({6, 2, 3, 3})
      .tensor(bias)
      .integers(stride)
      .integers({1, 1})
      .integers({1, 1})
      .boolean(false);
  call.integers({0, 0}).integer(groups).tensor(out);
  return call;
}

TEST(Kernels, ChecksConvolutions) {
  EXPECT_EQ(convolution(2, {2, 1}, {6}, {1, 6, 4, 6}).fault(), "");
  EXPECT_THAT(convolution(0, {2, 1}, {6}, {1, 6, 4, 6}).fault(), HasSubstr("0 groups"));
  EXPECT_THAT(convolution(-1, {2, 1}, {6}, {1, 6, 4, 6}).fault(), HasSubstr("-1 groups"));
  EXPECT_THAT(convolution(2, {0, 1}, {6}, {1, 6, 4, 6}).fault(), HasSubstr("strides [0, 1]"));
  EXPECT_THAT(convolution(2, {2}, {6}, {1, 6, 4, 6}).fault(), HasSubstr("strides [2]"));
  // The runtime's kernel doesn't look at the bias' length.
  EXPECT_THAT(convolution(2, {2, 1}, {5}, {1, 6, 4, 6}).fault(), HasSubstr("bias doesn't go with its channels"));
  EXPECT_THAT(convolution(2, {2, 1}, {6}, {1, 6, 5, 6}).fault(), HasSubstr("it makes float [1, 6, 5, 6]"));
  EXPECT_THAT(convolution(1, {2, 1}, {6}, {1, 6, 4, 6}).fault(), HasSubstr("it makes"));
}

TEST(Kernels, ChecksPoolsAndResizes) {
  const auto pool = [](const Sizes& window, const Sizes& stride, const Sizes& padding, const Sizes& out) {
    B call("aten::max_pool2d_with_indices.out");
    call.tensor(kImage).integers(window).integers(stride).integers(padding).integers({1, 1}).boolean(false).tensor(out);
    return call.tensor(out, ScalarType::kInt64).fault();
  };
  EXPECT_EQ(pool({2, 2}, {}, {0, 0}, {1, 4, 4, 3}), "");
  EXPECT_THAT(pool({0, 2}, {}, {0, 0}, {1, 4, 4, 3}), HasSubstr("window [0, 2]"));
  EXPECT_THAT(pool({2, 2}, {0, 1}, {0, 0}, {1, 4, 4, 3}), HasSubstr("strides [0, 1]"));
  EXPECT_THAT(pool({2, 2}, {}, {3, 3}, {1, 4, 4, 3}), HasSubstr("paddings [3, 3]"));
  EXPECT_THAT(pool({2, 2}, {}, {0, 0}, {1, 3, 4, 3}), HasSubstr("it makes"));

  const auto resize = [](const std::vector<double>& factors, const Sizes& out) {
    return B("aten::upsample_bilinear2d.vec_out")
        .tensor(kImage)
        .none()
        .boolean(false)
        .reals(factors)
        .tensor(out)
        .fault();
  };
  EXPECT_EQ(resize({2.0, 1.5}, {1, 4, 16, 9}), "");
  // The kernel computes source positions with these factors and reads there.
  EXPECT_NE(resize({0.001, 1.5}, {1, 4, 16, 9}), "");
  EXPECT_NE(resize({std::numeric_limits<double>::quiet_NaN(), 1.5}, {1, 4, 16, 9}), "");
  EXPECT_NE(resize({2.0}, {1, 4, 16, 9}), "");
  EXPECT_EQ(
      B("aten::upsample_nearest2d.vec_out").tensor(kImage).integers({16, 12}).none().tensor({1, 4, 16, 12}).fault(),
      "");
  EXPECT_NE(B("aten::upsample_nearest2d.vec_out")
                .tensor(kImage)
                .integers({16, 12})
                .reals({2, 2})
                .tensor({1, 4, 16, 12})
                .fault(),
            "");
}

TEST(Kernels, ChecksNormsLinearAndQuantisation) {
  const auto norm = [](const Sizes& mean) {
    B call("aten::_native_batch_norm_legit_no_training.out");
    call.tensor(kImage).none().tensor({4}).tensor(mean).tensor({4}).real(0.1).real(1e-5).tensor(kImage).tensor({0});
    return call.tensor({0}).fault();
  };
  EXPECT_EQ(norm({4}), "");
  EXPECT_NE(norm({3}), "");
  EXPECT_EQ(B("aten::linear.out").tensor({2, 5}).tensor({3, 5}).tensor({3}).tensor({2, 3}).fault(), "");
  EXPECT_NE(B("aten::linear.out").tensor({2, 5}).tensor({3, 4}).tensor({3}).tensor({2, 3}).fault(), "");
  EXPECT_NE(B("aten::linear.out").tensor({2, 5}).tensor({3, 5}).tensor({2}).tensor({2, 3}).fault(), "");

  const auto quantize = [](double scale, std::int64_t zero_point, std::int64_t low, std::int64_t type) {
    B call("quantized_decomposed::quantize_per_tensor.out");
    call.tensor(kImage).real(scale).integer(zero_point).integer(low).integer(127).integer(type);
    return call.tensor(kImage, ScalarType::kInt8).fault();
  };
  EXPECT_EQ(quantize(0.1, 3, -128, 1), "");
  EXPECT_NE(quantize(0, 3, -128, 1), "");
  EXPECT_NE(quantize(0.1, 300, -128, 1), "");
  EXPECT_NE(quantize(0.1, 3, -129, 1), "");
  EXPECT_NE(quantize(0.1, 3, -128, 0), "");
}

}  // namespace
}  // namespace silhouette::pte
