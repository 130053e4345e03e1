#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# embed.py OBJECT OUTPUT.c NAME: writes OBJECT as an array of bytes, so that hawse-media carries its
# XDP program with it and needs no path to find it at start.
import sys

source, target, name = sys.argv[1:4]
data = open(source, 'rb').read()
with open(target, 'w') as out:
    out.write('#include <stddef.h>\n')
    out.write(f'extern const unsigned char {name}[];\nextern const size_t {name}_size;\n')
    out.write(f'const unsigned char {name}[] __attribute__((aligned(8))) = {{\n')
    for i in range(0, len(data), 24):
        out.write(','.join(str(b) for b in data[i:i + 24]) + ',\n')
    out.write(f'}};\nconst size_t {name}_size = {len(data)};\n')
