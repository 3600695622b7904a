#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "fuzz/network_maker.hpp"
#include "support/support.hpp"

namespace silhouette::fuzz {
namespace {

using pte::test::EditableModel;

using Numbers = std::vector<std::uint32_t*>;

void add(Numbers& numbers, Dims& list) {
  for (std::uint32_t& number : list) numbers.push_back(&number);
}

/// Those of a node that verification has to look at.
Numbers numbers_of(xnn::XNodeUnionUnion& node) {
  Numbers numbers;
  const auto ends = [&](auto& table) {
    numbers.insert(numbers.end(), {&table.input_id, &table.output_id, &table.flags});
  };
  if (auto* const pad = node.AsXNNStaticConstantPad()) {
    add(numbers, pad->pre_paddings);
    add(numbers, pad->post_paddings);
    ends(*pad);
  } else if (auto* const slice = node.AsXNNStaticSlice()) {
    add(numbers, slice->offsets);
    add(numbers, slice->sizes);
    numbers.push_back(&slice->num_dims);
    ends(*slice);
  } else if (auto* const reshape = node.AsXNNStaticReshape()) {
    add(numbers, reshape->new_shape);
    numbers.push_back(&reshape->num_dims);
    ends(*reshape);
  } else if (auto* const order = node.AsXNNStaticTranspose()) {
    add(numbers, order->perm);
    numbers.push_back(&order->num_dims);
    ends(*order);
  } else if (auto* const resize = node.AsXNNStaticResizeBilinear2D()) {
    numbers = {&resize->new_height, &resize->new_width};
    ends(*resize);
  } else if (auto* const full = node.AsXNNFullyConnected()) {
    numbers = {&full->input1_id, &full->filter_id, &full->bias_id, &full->output_id, &full->flags};
  } else if (node.type == Kind::XNNConv2d || node.type == Kind::XNNDepthwiseConv2d ||
             node.type == Kind::XNNConvTranspose2d) {
    auto& window = *static_cast<xnn::_XNNNodeConvT*>(node.value);
    numbers = {&window.padding_top,
               &window.padding_right,
               &window.padding_bottom,
               &window.padding_left,
               &window.kernel_height,
               &window.kernel_width,
               &window.subsampling_height,
               &window.subsampling_width,
               &window.dilation_height,
               &window.dilation_width,
               &window.group_input_channels,
               &window.group_output_channels,
               &window.groups,
               &window.adjustment_height,
               &window.adjustment_width,
               &window.input1_id,
               &window.filter_id,
               &window.bias_id,
               &window.output_id,
               &window.flags};
  } else if (node.type == Kind::XNNAvgPooling2d || node.type == Kind::XNNMaxPooling2d) {
    auto& window = *static_cast<xnn::_XNNPooling2DT*>(node.value);
    numbers = {&window.padding_top,     &window.padding_right, &window.padding_bottom, &window.padding_left,
               &window.pooling_height,  &window.pooling_width, &window.stride_height,  &window.stride_width,
               &window.dilation_height, &window.dilation_width};
    ends(window);
  }
  return numbers;
}

/// Those of a value.
Numbers numbers_of(xnn::XNNTensorValueT& tensor) {
  Numbers numbers{&tensor.num_dims, &tensor.constant_buffer_idx, &tensor.external_id, &tensor.flags, &tensor.id_out};
  add(numbers, tensor.dims);
  return numbers;
}

std::uint32_t other_number(std::uint32_t number, Input& in) {
  static constexpr std::array<std::uint32_t, 12> kEdges{0,      1,          2,           3,           255,    16'384,
                                                        65'536, 0x7fffffff, 0x80000000U, 0xffffffffU, 16'385, 7};
  switch (in.below(4)) {
    case 0: return in.pick(kEdges);
    case 1: return in.word() >> in.below(32);
    default: return number + (in.one_in(2) ? 1 + in.below(3) : 0U - 1 - in.below(3));  // just beyond what fits
  }
}

void spoil_constants(GraphBuilder& builder, Input& in) {
  static constexpr std::array kFloats{
      std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38F, -3e38F, 1e-40F, -0.0F};
  auto& places = builder.graph.constant_data;
  const std::size_t floats = builder.constants.size() / sizeof(float);
  if (floats == 0) return;
  if (in.one_in(2)) {
    auto& place = *places[in.below(static_cast<unsigned>(places.size()))];
    auto& number = in.one_in(2) ? place.offset : place.size;
    // By whole floats, or they are refused for where they lie.
    number = other_number(static_cast<std::uint32_t>(number / sizeof(float)), in) * sizeof(float);
    return;
  }
  const float value = in.pick(kFloats);
  std::memcpy(builder.constants.data() + in.word() % floats * sizeof value, &value, sizeof value);
}

void spoil(GraphBuilder& builder, Input& in) {
  for (int times = in.within(1, 3); times > 0; --times) {
    const unsigned which = in.below(5);
    if (which == 0) {
      spoil_constants(builder, in);
      continue;
    }
    const bool value = which == 1;
    auto& nodes = builder.graph.xnodes;
    const Numbers numbers =
        value ? numbers_of(builder.tensor(in.below(static_cast<unsigned>(builder.graph.xvalues.size()))))
              : numbers_of(nodes[in.below(static_cast<unsigned>(nodes.size()))]->xnode_union);
    if (numbers.empty()) continue;
    std::uint32_t& number = *in.pick(numbers);
    number = other_number(number, in);
  }
}

/// Those of a graph's constant, as far as they are there.
std::span<const std::byte> bytes_of(const GraphBuilder& builder, const xnn::ConstantDataOffsetT& place) {
  const std::span all(builder.constants);
  const std::size_t offset = std::min<std::size_t>(place.offset, all.size());
  return all.subspan(offset, std::min<std::size_t>(place.size, all.size() - offset));
}

/// Adds a constant to the file and leaves its name to the graph.
void add_named(EditableModel& model, xnn::ConstantDataOffsetT& place, std::span<const std::byte> bytes,
               std::size_t index) {
  auto named = std::make_unique<executorch_flatbuffer::NamedDataT>();
  named->key = place.named_key = fmt::format("constant {}", index);
  named->segment_index = static_cast<std::uint32_t>(model.segments.size());
  model.program.named_data.push_back(std::move(named));
  model.program.segments.push_back(std::make_unique<executorch_flatbuffer::DataSegmentT>());
  model.segments.emplace_back(bytes.begin(), bytes.end());
}

/// As the oldest exporters wrote it: constants in the graph's table, no header around that.
std::vector<std::byte> payload_without_header(GraphBuilder& builder) {
  for (const auto& place : builder.graph.constant_data) {
    auto constant = std::make_unique<xnn::BufferT>();
    const auto bytes = bytes_of(builder, *place);
    const auto* const first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    constant->storage.assign(first, first + bytes.size());
    builder.graph.constant_buffer.push_back(std::move(constant));
  }
  builder.graph.constant_data.clear();
  flatbuffers::FlatBufferBuilder flat;
  flat.Finish(xnn::XNNGraph::Pack(flat, &builder.graph), "XN00");
  const auto* const first = reinterpret_cast<const std::byte*>(flat.GetBufferPointer());
  return {first, first + flat.GetSize()};
}

std::vector<std::byte> as_file(GraphBuilder builder, Place constants) {
  constexpr std::size_t kPayload = 1;  // the segment
  static auto model = EditableModel::read(silhouette::test::source_file("tests/data/models/tiny_plain.pte"));
  static const std::size_t kSegments = model.segments.size();
  static const std::size_t kNamed = model.program.named_data.size();
  model.segments.resize(kSegments);
  model.program.segments.resize(kSegments);
  model.program.named_data.resize(kNamed);
  if (constants == Place::kGraph) {
    model.segments[kPayload] = payload_without_header(builder);
    return model.write();
  }
  auto& places = builder.graph.constant_data;
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (constants == Place::kNamedData || (constants == Place::kMixed && i % 2 == 0))
      add_named(model, *places[i], bytes_of(builder, *places[i]), i);
  }
  if (constants == Place::kNamedData) builder.constants.clear();
  model.segments[kPayload] = builder.payload();
  return model.write();
}

}  // namespace

std::vector<std::byte> make_model(Input& in, const ModelKind& kind) {
  GraphBuilder builder = make_network(in, kind.manner);
  if (kind.spoilt) spoil(builder, in);
  return as_file(std::move(builder), kind.constants);
}

}  // namespace silhouette::fuzz
