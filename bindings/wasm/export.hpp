#pragma once

/// Before a function of C's linkage that JavaScript calls.
#define SILHOUETTE_EXPORT(name) __attribute__((export_name(#name)))
