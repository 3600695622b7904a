#include "silhouette/labels.hpp"

namespace silhouette {

const std::array<std::string_view, kDeeplabClassCount> kDeeplabLabelNames = {
    "BACKGROUND", "AEROPLANE", "BICYCLE",     "BIRD",  "BOAT",        "BOTTLE", "BUS",
    "CAR",        "CAT",       "CHAIR",       "COW",   "DININGTABLE", "DOG",    "HORSE",
    "MOTORBIKE",  "PERSON",    "POTTEDPLANT", "SHEEP", "SOFA",        "TRAIN",  "TVMONITOR",
};

}  // namespace silhouette
