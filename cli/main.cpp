#include "command.hpp"

int main(int argc, char** argv) {
  return silhouette::cli::run(argc, argv);
}
