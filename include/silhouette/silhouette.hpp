#pragma once

/// All of Silhouette's public C++ API.
#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"
#include "silhouette/image_segmentation_module.hpp"
#include "silhouette/image_source.hpp"
#include "silhouette/labels.hpp"
#include "silhouette/model_cache.hpp"
#include "silhouette/models.hpp"
#include "silhouette/network_listing.hpp"
#include "silhouette/segmentation.hpp"
#include "silhouette/shapes.hpp"
#include "silhouette/trust.hpp"
#include "silhouette/version.hpp"
