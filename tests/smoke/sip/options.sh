#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# OPTIONS from a known peer is answered 200, over IPv4 and IPv6.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
caller --script 'options'
finish caller
check caller '.failed == 0' 'OPTIONS is answered 200'
caller6 --script 'options'
finish caller
check caller '.failed == 0' 'OPTIONS over IPv6 is answered 200'
pass
