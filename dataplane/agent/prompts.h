// SPDX-License-Identifier: BSD-3-Clause
// Prompts: the wav files under a directory, read into memory when hawse-media starts and when it is told to read
// its configuration again, so that nothing is read from a disk while a call waits. A file is named by its path
// below the directory. What plays goes on from the memory that it began with.
//
// A file that is no wav, or not one that we can play, is named in the log, with what is wrong, and left out.
// Symbolic links are followed only for files; names that no command can have (abi_file_name) are left out.
//
// Agent thread.
#pragma once

#include "dataplane/codec/wav.h"

#define PROMPTS_MOST  4096u
#define PROMPTS_BYTES (512u << 20) // of PCM, all together

struct prompts;
struct prompt;

#ifdef __cplusplus
extern "C" {
#endif

// Tells of each file that was left out, and why.
typedef void prompts_say(const char *file, const char *why);

// 0 or -ENOMEM.
int prompts_new(struct prompts **out);
// Nothing plays any more.
void prompts_free(struct prompts *p);

// Takes over what the directory holds now; what it held before is gone when it has been played. 0; -errno of the
// directory: then everything stays as it was. -ENOMEM.
int prompts_read(struct prompts *p, const char *directory, prompts_say *say);
unsigned prompts_count(const struct prompts *p);

// The prompt of this name, until prompts_put. NULL: there is none.
struct prompt *prompts_get(struct prompts *p, const char *name);
const struct codec_clip *prompts_clip(const struct prompt *prompt);
void prompts_put(struct prompts *p, struct prompt *prompt);

#ifdef __cplusplus
}
#endif
