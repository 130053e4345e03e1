// SPDX-License-Identifier: BSD-3-Clause
// Between identity.c and dtls.c.
#pragma once

#include <openssl/ssl.h>

#include "controlplane/secure/identity.h"

// The context that associations of this identity are made from. Any thread may make one.
SSL_CTX *cp_identity_context(struct cp_identity *identity);

// Sets up what all contexts have in common; dtls.c. 0 or -ENOMEM.
int cp_dtls_prepare(SSL_CTX *ctx);
