#!/usr/bin/env bash
# What a compiler doesn't see: formatting, who may include whom, headers that don't stand alone, and clang-tidy.
# Called by `./dev lint`, which has set up and built the release preset.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')
clang-format-22 --dry-run --Werror "${sources[@]}"

python3 tools/lint/includes.py

for header in include/silhouette/*.hpp include/silhouette/core/*.hpp; do
  printf '#include "%s"\n' "${header#include/}" |
    g++ -std=c++23 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -Ibuild/release/include -x c++ -
done

# Tests repeat what the checks dislike on purpose (moved-from objects, odd arguments); the compiler's warnings hold for them too.
# A file that passed is not checked again until it, a header or the rules change.
stamp=build/release/lint
mkdir -p "$stamp"
common=$(cat .clang-tidy build/release/compile_commands.json $(git ls-files --cached --others --exclude-standard '*.hpp') | cksum)
printf '%s\n' "${sources[@]}" | grep '\.cpp$' | grep -E '^(src|cli|tools)/' | grep -vE '(^|_|/)(test|benchmark)(_|\.)' |
  while read -r file; do
    key=$stamp/$(printf '%s %s' "$common" "$(cksum <"$file")$file" | cksum | tr ' ' -)
    [ -e "$key" ] || printf '%s %s\n' "$file" "$key"
  done |
  xargs -r -L 1 -P "$(nproc)" bash -c 'clang-tidy-22 --quiet -p build/release "$0" 2>/dev/null && touch "$1"'
