# SPDX-License-Identifier: BSD-3-Clause
"""What the benches share: the machine, both sides, the generator, the report."""
