#pragma once

#include "graph/graph.hpp"

namespace silhouette::graph {

// What Pass.run of each pass is; each in the file of its name.

/// Computes at once what follows from constants alone.
bool fold_constants(Graph& graph);
/// Drops copies, reshapes, transposes, slices, pads, resizes and clamps that change nothing; a reshape of a reshape
/// becomes one, and a transpose that moves only dimensions of 1 a reshape.
bool remove_copies(Graph& graph);
/// Joins a transpose of a transpose to one.
bool join_transposes(Graph& graph);
/// Does arithmetic with single numbers, vectors or what is laid out alike before reshapes and transposes, which then
/// meet each other and cancel.
bool sink_layouts(Graph& graph);
/// Resizes of a single pixel become expansions; arithmetic broadcasts by itself and needs no expanded operand.
bool broadcast_operands(Graph& graph);
/// Clamps, hardswish, sigmoid and hardsigmoid become the activation of what makes their operand.
bool fuse_activations(Graph& graph);
/// Finds hardsigmoid and hardswish in the arithmetic that exporters write them as. Rounding: the same steps.
bool recognize_activations(Graph& graph);
/// Folds arithmetic with constants per channel into weights and bias. Rounding: the weights' products are rounded once
/// more.
bool fold_scales(Graph& graph);
/// An addition becomes the addend of a convolution. Rounding: one rounding less.
bool fuse_additions(Graph& graph);
/// A padding becomes that of the convolution or maximum after it.
bool fold_padding(Graph& graph);
/// Drops the outer rows and columns of kernels that never meet the image.
bool trim_kernels(Graph& graph);
/// A concatenation of concatenations becomes one.
bool flatten_concatenations(Graph& graph);
/// Where a 1×1 convolution reads a concatenation with a branch that is one pixel repeated (DeepLab's image pooling),
/// that branch's share of the sums is computed once an image. Rounding: another order of summation.
bool split_pooled_branch(Graph& graph);
/// A 1×1 convolution of an enlarged image is made before enlarging. Rounding: the weights of the interpolation, whose
/// sum is 1, are applied after those of the convolution.
bool convolve_before_resize(Graph& graph);
/// Drops what doesn't lead to the output.
bool drop_dead(Graph& graph);

}  // namespace silhouette::graph
