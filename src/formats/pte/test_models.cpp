#include "formats/pte/test_models.hpp"

#include <cstring>
#include <numeric>
#include <stdexcept>

#include "support/support.hpp"

namespace silhouette::pte::test {
namespace {

namespace fb = executorch_flatbuffer;
namespace xnn = fb_xnnpack;

constexpr std::size_t kHeaderSize = 32;   // of the program's extended header
constexpr std::size_t kHeaderOffset = 8;  // behind root offset and identifier
constexpr std::size_t kSegmentAlignment = 128;
constexpr std::size_t kPayloadHeaderSize = 32;

template <typename T>
T get(const std::vector<std::byte>& bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

void append(std::vector<std::byte>& bytes, const void* data, std::size_t size) {
  const auto* const start = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), start, start + size);
}

void pad(std::vector<std::byte>& bytes, std::size_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}

}  // namespace

EditableModel EditableModel::read(const std::filesystem::path& path) {
  const auto bytes = silhouette::test::read_bytes(path);
  EditableModel model;
  fb::GetProgram(bytes.data())->UnPackTo(&model.program);
  const auto base = get<std::uint64_t>(bytes, 24);
  for (const auto& segment : model.program.segments) {
    const auto* const start = bytes.data() + base + segment->offset;
    model.segments.emplace_back(start, start + segment->size);
  }
  return model;
}

std::vector<std::byte> EditableModel::write() const {
  // Packing needs the segments' places, so the table is brought up to date in a copy.
  flatbuffers::FlatBufferBuilder first;
  first.Finish(fb::Program::Pack(first, &program), fb::ProgramIdentifier());
  fb::ProgramT copy;
  fb::GetProgram(first.GetBufferPointer())->UnPackTo(&copy);
  std::vector<std::byte> tail;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    pad(tail, kSegmentAlignment);
    copy.segments.at(i)->offset = tail.size();
    copy.segments.at(i)->size = segments[i].size();
    append(tail, segments[i].data(), segments[i].size());
  }
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceVectorAlignment(0, 1, 16);
  builder.Finish(fb::Program::Pack(builder, &copy), fb::ProgramIdentifier());

  std::vector<std::byte> bytes;
  append(bytes, builder.GetBufferPointer(), kHeaderOffset);
  put(bytes, 0, get<std::uint32_t>(bytes, 0) + static_cast<std::uint32_t>(kHeaderSize));
  append(bytes, "eh00", 4);
  bytes.resize(kHeaderOffset + kHeaderSize);
  append(bytes, builder.GetBufferPointer() + kHeaderOffset, builder.GetSize() - kHeaderOffset);
  put(bytes, 12, static_cast<std::uint32_t>(kHeaderSize));
  put(bytes, 16, static_cast<std::uint64_t>(bytes.size()));
  pad(bytes, kSegmentAlignment);
  put(bytes, 24, segments.empty() ? std::uint64_t{0} : static_cast<std::uint64_t>(bytes.size()));
  put(bytes, 32, static_cast<std::uint64_t>(tail.size()));
  append(bytes, tail.data(), tail.size());
  return bytes;
}

fb::ExecutionPlanT& EditableModel::forward() {
  for (const auto& plan : program.execution_plan) {
    if (plan->name == "forward") return *plan;
  }
  throw std::runtime_error("no method forward");
}

fb::TensorT& EditableModel::tensor(std::size_t value) {
  return *forward().values.at(value)->val.AsTensor();
}

fb::KernelCallT& EditableModel::kernel_call(std::size_t instruction) {
  return *forward().chains.at(0)->instructions.at(instruction)->instr_args.AsKernelCall();
}

fb::DelegateCallT& EditableModel::delegate_call(std::size_t instruction) {
  return *forward().chains.at(0)->instructions.at(instruction)->instr_args.AsDelegateCall();
}

xnn::XNNGraphT EditableModel::graph(std::size_t segment) const {
  xnn::XNNGraphT result;
  const auto& payload = segments.at(segment);
  xnn::GetXNNGraph(payload.data() + get<std::uint32_t>(payload, 10))->UnPackTo(&result);
  return result;
}

void EditableModel::set_graph(std::size_t segment, const xnn::XNNGraphT& graph) {
  segments.at(segment) = make_payload(graph);
}

std::vector<std::byte> make_payload(const xnn::XNNGraphT& graph, const std::vector<std::byte>& constants) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(xnn::XNNGraph::Pack(builder, &graph), "XN01");
  std::vector<std::byte> bytes(kPayloadHeaderSize);
  std::memcpy(bytes.data() + 4, "XH00", 4);
  put(bytes, 8, static_cast<std::uint16_t>(30));
  put(bytes, 10, static_cast<std::uint32_t>(kPayloadHeaderSize));
  put(bytes, 14, builder.GetSize());
  append(bytes, builder.GetBufferPointer(), builder.GetSize());
  pad(bytes, 16);
  put(bytes, 18, static_cast<std::uint32_t>(bytes.size()));
  put(bytes, 22, static_cast<std::uint64_t>(constants.size()));
  append(bytes, constants.data(), constants.size());
  return bytes;
}

std::uint32_t GraphBuilder::add(const Dims& dims, Type type, int channel_dim) {
  auto tensor = std::make_unique<xnn::XNNTensorValueT>();
  const auto id = static_cast<std::uint32_t>(graph.xvalues.size());
  tensor->datatype = type;
  tensor->dims = dims;
  tensor->num_dims = static_cast<std::uint32_t>(dims.size());
  tensor->id_out = id;
  tensor->external_id = UINT32_MAX;
  auto value = std::make_unique<xnn::XValueT>();
  if (type == Type::xnn_datatype_fp32) {
    value->xvalue_union.type = xnn::XValueUnion::XNNTensorValue;
    value->xvalue_union.value = tensor.release();
  } else {
    auto quantized = std::make_unique<xnn::XNNQuantizedTensorValueT>();
    quantized->tensor_value = std::move(tensor);
    if (type == Type::xnn_datatype_qcint8 || type == Type::xnn_datatype_qcint32) {
      auto scales = std::make_unique<xnn::PerChannelQuantT>();
      scales->channel_dim = channel_dim;
      scales->scale.assign(dims.at(static_cast<std::size_t>(channel_dim)), 0.01F);
      quantized->quant_params.type = xnn::XNNQuantParams::PerChannelQuant;
      quantized->quant_params.value = scales.release();
    } else {
      auto scale = std::make_unique<xnn::PerTensorQuantT>();
      scale->scale = 0.05F;
      quantized->quant_params.type = xnn::XNNQuantParams::PerTensorQuant;
      quantized->quant_params.value = scale.release();
    }
    value->xvalue_union.type = xnn::XValueUnion::XNNQuantizedTensorValue;
    value->xvalue_union.value = quantized.release();
  }
  graph.xvalues.push_back(std::move(value));
  return id;
}

xnn::XNNTensorValueT& GraphBuilder::tensor(std::uint32_t id) {
  auto& value = graph.xvalues.at(id)->xvalue_union;
  return value.type == xnn::XValueUnion::XNNTensorValue ? *value.AsXNNTensorValue()
                                                        : *value.AsXNNQuantizedTensorValue()->tensor_value;
}

std::uint32_t GraphBuilder::inner(const Dims& dims, Type type) {
  return add(dims, type, 0);
}

std::uint32_t GraphBuilder::input(const Dims& dims, Type type) {
  const auto id = add(dims, type, 0);
  tensor(id).external_id = graph.num_externs++;
  tensor(id).flags = 1;
  graph.input_ids.push_back(id);
  return id;
}

std::uint32_t GraphBuilder::output(const Dims& dims, Type type) {
  const auto id = add(dims, type, 0);
  tensor(id).external_id = graph.num_externs++;
  tensor(id).flags = 2;
  graph.output_ids.push_back(id);
  return id;
}

std::uint32_t GraphBuilder::constant(const Dims& dims, Type type, int channel_dim) {
  const auto id = add(dims, type, channel_dim);
  const std::size_t count = std::accumulate(dims.begin(), dims.end(), std::size_t{1}, std::multiplies<>());
  if (graph.constant_data.empty()) graph.constant_data.push_back(std::make_unique<xnn::ConstantDataOffsetT>());
  pad(constants, 16);
  auto place = std::make_unique<xnn::ConstantDataOffsetT>();
  place->offset = constants.size();
  const bool bytes =
      type == Type::xnn_datatype_qint8 || type == Type::xnn_datatype_quint8 || type == Type::xnn_datatype_qcint8;
  for (std::size_t i = 0; i < count; ++i) {
    const float number = 0.01F * static_cast<float>(i % 13) - 0.05F;
    const auto integer = static_cast<std::int32_t>(i % 13) - 5;
    append(constants, type == Type::xnn_datatype_fp32 ? static_cast<const void*>(&number) : &integer, bytes ? 1 : 4);
  }
  place->size = constants.size() - place->offset;
  tensor(id).constant_buffer_idx = static_cast<std::uint32_t>(graph.constant_data.size());
  graph.constant_data.push_back(std::move(place));
  return id;
}

void GraphBuilder::unary(xnn::XNodeUnion kind, std::uint32_t in, std::uint32_t out, std::uint32_t flags) {
  auto& table = node<xnn::_XNNNode1x1T>(kind);
  table.input_id = in;
  table.output_id = out;
  table.flags = flags;
}

void GraphBuilder::binary(xnn::XNodeUnion kind, std::uint32_t a, std::uint32_t b, std::uint32_t out) {
  auto& table = node<xnn::_XNNNode2x1T>(kind);
  table.input1_id = a;
  table.input2_id = b;
  table.output_id = out;
}

}  // namespace silhouette::pte::test
