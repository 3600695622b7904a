// A second format, beside pte: a network of one 1 × 1 convolution, as text.
//
//   TOYNET1
//   image 6 8              height and width
//   classes 2
//   weights 1 0 -1 0 1 0   three for each class
//   biases 0 0.25          one for each class
//   declares 2 6 8         optional: the output's sizes, if the file is to lie about them
//   labels sky,ground      optional

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "formats/common/limits.hpp"
#include "formats/common/messages.hpp"
#include "formats/common/network_builder.hpp"
#include "formats/model.hpp"
#include "formats/pte/format.hpp"

namespace silhouette {
namespace {

using formats::Outcome;
using formats::Status;

constexpr std::string_view kStart = "TOYNET1";
constexpr formats::Terms kTerms{.file = "toy network", .ending = ".toy", .remedy = "write it anew"};

struct Toy {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t classes = 0;
  std::vector<std::int64_t> declared;
  std::vector<float> weights;
  std::vector<float> biases;
  std::vector<std::string> labels;
};

std::string_view text_of(std::span<const std::byte> file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

bool recognizes(std::span<const std::byte> file) {
  return text_of(file).starts_with(kStart);
}

template <typename T>
Status read_numbers(std::istringstream& in, std::size_t count, std::vector<T>& numbers,
                    const formats::Messages& messages) {
  numbers.resize(count);
  for (T& number : numbers) {
    if (!(in >> number)) return messages.damaged("a number is missing");
  }
  return {};
}

Outcome<Toy> parse(std::span<const std::byte> file, const formats::Messages& messages) {
  std::istringstream in{std::string(text_of(file))};
  Toy toy;
  std::string word;
  if (!(in >> word) || word != kStart) return messages.of_another_kind("its first line is another");
  while (in >> word) {
    Status ok;
    if (word == "image") {
      in >> toy.height >> toy.width;
    } else if (word == "classes") {
      in >> toy.classes;
      if (toy.classes < 1 || toy.classes > 99) return messages.too_large("it has no number of classes that is read");
    } else if (word == "weights") {
      ok = read_numbers(in, 3 * static_cast<std::size_t>(toy.classes), toy.weights, messages);
    } else if (word == "biases") {
      ok = read_numbers(in, static_cast<std::size_t>(toy.classes), toy.biases, messages);
    } else if (word == "declares") {
      ok = read_numbers(in, 3, toy.declared, messages);
    } else if (word == "labels") {
      in >> word;
      std::istringstream names(word);
      while (std::getline(names, word, ',')) toy.labels.push_back(word);
    } else {
      return messages.unsupported(formats::printable(word) + " is no operator of a toy");
    }
    if (!ok) return formats::forward_error(std::move(ok));
  }
  if (toy.weights.empty() || toy.biases.empty()) return messages.damaged("its weights are missing");
  if (toy.declared.empty()) toy.declared = {toy.classes, toy.height, toy.width};
  return toy;
}

Outcome<graph::Graph> network_of(const Toy& toy, const formats::Messages& messages) {
  formats::NetworkBuilder builder(nullptr, messages);
  const auto input = builder.add_value({1, 3, toy.height, toy.width});
  if (!input) return std::unexpected(input.error());
  builder.graph().input = *input;
  const auto pixels = builder.transpose(*input, {0, 2, 3, 1});
  if (!pixels) return std::unexpected(pixels.error());
  const auto weights = builder.graph().add_constant({toy.classes, 1, 1, 3}, toy.weights);
  const auto biases = builder.graph().add_constant({toy.classes}, toy.biases);
  const auto scores = builder.add_node({.op = graph::Op::kConvolution, .inputs = {*pixels, weights, biases}},
                                       {1, toy.height, toy.width, toy.classes});
  if (!scores) return std::unexpected(scores.error());
  const auto planes = builder.transpose(*scores, {0, 3, 1, 2});
  if (!planes) return std::unexpected(planes.error());
  return builder.finish(*planes);
}

Result<void> check_whole(std::span<const std::byte> file, std::string_view name) {
  auto toy = parse(file, {name, kTerms});
  if (!toy) return std::unexpected(std::move(toy).error());
  return {};
}

Result<formats::Model> read(std::span<const std::byte> file, std::string_view name,
                            const formats::ReadOptions& options) {
  const formats::Messages messages(name, kTerms);
  auto toy = parse(file, messages);
  if (!toy) return std::unexpected(std::move(toy).error());
  formats::Model model;
  const std::array input{formats::TensorInfo{.sizes = {1, 3, toy->height, toy->width}, .dim_order = {}}};
  std::vector<std::int64_t> sizes{1};
  sizes.insert(sizes.end(), toy->declared.begin(), toy->declared.end());
  const std::array output{formats::TensorInfo{.sizes = sizes, .dim_order = {}}};
  model.contract = formats::read_contract(input, output, name, options.labels);
  model.graph = network_of(*toy, messages);
  if (!toy->labels.empty()) model.metadata.labels = std::move(toy->labels);
  model.operators = {"toy:convolution"};
  model.other_engines.obstacle = "it runs no toys";
  return model;
}

constexpr formats::Format kToyFormat{.name = "toy", .recognizes = recognizes, .check_whole = check_whole, .read = read};

}  // namespace

namespace formats {

// Instead of formats/all.cpp, which the linker leaves out then.
std::span<const Format* const> all_formats() noexcept {
  static constexpr std::array<const Format*, 2> kFormats{&pte::kFormat, &kToyFormat};
  return kFormats;
}

}  // namespace formats
}  // namespace silhouette
