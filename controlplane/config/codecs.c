// SPDX-License-Identifier: BSD-3-Clause
// What a peer may say of its codecs, digits, fax, tones and recordings: codecs.h.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cfg_codecs *codecs_of(void *to)
{
	return &((struct cfg_peer *)to)->codecs;
}

// ---- lists of codecs ------------------------------------------------------------------------------

// "PCMA", "L16/16000"
static bool is_codec(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return false;
	return n && (!slash || (slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1)));
}

static int read_codec(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "the name of a codec as SDP has it, such as PCMA or opus";
	struct cfg_names *names = to;
	char *name = names->name[names->count];
	int err = cfg_text(r, node, name, sizeof(names->name[0]), expected);

	if (err)
		return err;
	if (!is_codec(name))
		return cfg_expected(r, node, expected);
	for (unsigned i = 0; i < names->count; i++)
		if (strcasecmp(names->name[i], name) == 0)
			return cfg_fail(
				r, node, "expected each codec once, found \"%s\" twice", name);
	names->count++;
	return 0;
}

static int read_names(struct cfg_reader *r, const struct cfg_node *node, struct cfg_names *names)
{
	unsigned n = cfg_count(node);

	if (n > CFG_CODECS)
		return cfg_fail(r, node, "expected at most %u codecs, found %u", CFG_CODECS, n);
	names->name = calloc(n + 1u, sizeof(*names->name));
	if (!names->name)
		return -ENOMEM;
	return cfg_each(r, node, "a codec or a list of codecs", read_codec, names);
}

static int read_allow(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_names(r, node, &((struct cfg_codecs *)to)->allow);
}

static int read_strip(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_names(r, node, &((struct cfg_codecs *)to)->strip);
}

static int read_order(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_names(r, node, &((struct cfg_codecs *)to)->order);
}

static int read_add(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_names(r, node, &((struct cfg_codecs *)to)->add);
}

static bool has(const struct cfg_names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcasecmp(names->name[i], name) == 0)
			return true;
	return false;
}

// Nothing that is taken out is wanted elsewhere.
static int check(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_codecs *c)
{
	const struct cfg_names *lists[] = {&c->allow, &c->order, &c->add};
	static const char *const keys[] = {"allow", "order", "add"};

	for (unsigned i = 0; i < COUNT(lists); i++)
		for (unsigned k = 0; k < lists[i]->count; k++) {
			const char *name = lists[i]->name[k];

			if (has(&c->strip, name))
				return cfg_fail(r, cfg_node_find(node, "strip"),
					"expected \"%s\" in strip or in %s, found it in both", name,
					keys[i]);
			if (i && c->allow.count && !has(&c->allow, name))
				return cfg_fail(r, cfg_node_find(node, keys[i]),
					"expected codecs that allow has too, found \"%s\"", name);
		}
	return 0;
}

int cfg_read_codecs(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {{"allow", read_allow}, {"strip", read_strip},
		{"order", read_order}, {"add", read_add}};
	struct cfg_codecs *c = codecs_of(to);
	int err;

	if (node->kind == CFG_NODE_MAP) {
		err = cfg_map(r, node, keys, COUNT(keys), c);
		return err ? err : check(r, node, c);
	}
	err = read_names(r, node, &c->allow);
	return err ? err : read_names(r, node, &c->order);
}

// ---- words ----------------------------------------------------------------------------------------

static int read_word(struct cfg_reader *r, const struct cfg_node *node,
	const struct cfg_word *words, size_t count, uint8_t *to)
{
	int value, err = cfg_choice(r, node, words, count, &value);

	if (!err)
		*to = (uint8_t)value;
	return err;
}

int cfg_read_transcode(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {{"auto", 0}, {"off", 1}};
	int value, err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		codecs_of(to)->no_transcode = value;
	return err;
}

int cfg_read_dtmf(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {{"auto", CFG_DTMF_AUTO},
		{"rfc4733", CFG_DTMF_RFC4733}, {"info", CFG_DTMF_INFO},
		{"inband", CFG_DTMF_INBAND}};

	return read_word(r, node, words, COUNT(words), &codecs_of(to)->dtmf);
}

int cfg_read_t38(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {{"pass", CFG_T38_PASS}, {"refuse", CFG_T38_REFUSE},
		{"gateway", CFG_T38_GATEWAY}};

	return read_word(r, node, words, COUNT(words), &codecs_of(to)->t38);
}

int cfg_read_record(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"no", CFG_RECORD_NO}, {"wav", CFG_RECORD_WAV}, {"pcap", CFG_RECORD_PCAP}};
	int err = read_word(r, node, words, COUNT(words), &codecs_of(to)->record);

	if (!err && codecs_of(to)->record && !r->cfg->recordings[0])
		return cfg_fail(r, node,
			"expected the key recordings at the top of the file (a directory), "
			"found none");
	return err;
}

// ---- prompts --------------------------------------------------------------------------------------

// Below the directory, and nowhere else.
static bool is_inside(const char *name)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") !=
			strlen(name) ||
		name[0] == '/' || name[0] == '.')
		return false;
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/'))
		if (p[1] == '/' || p[1] == '.' || !p[1])
			return false;
	return true;
}

// "RIFF", its size, "WAVE", then a chunk "fmt " with PCM, A-law or u-law.
static bool is_wav(const unsigned char *b, size_t n)
{
	unsigned format = n >= 22 ? b[20] | (unsigned)b[21] << 8 : 0;

	return n >= 22 && memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WAVE", 4) == 0 &&
	       (memcmp(b + 12, "fmt ", 4) != 0 || format == 1 || format == 6 || format == 7 ||
		       format == 0xfffe);
}

static int check_wav(struct cfg_reader *r, const struct cfg_node *node, const char *name)
{
	char path[sizeof(r->cfg->prompts) + CFG_PROMPT];
	unsigned char head[22];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", r->cfg->prompts, name);
	f = fopen(path, "re");
	if (!f)
		return cfg_fail(r, node, "%.200s: cannot be read: %s", path, strerror(errno));
	n = fread(head, 1, sizeof(head), f);
	fclose(f);
	if (!is_wav(head, n))
		return cfg_fail(r, node,
			"expected a wav file (PCM, A-law or u-law), found another in %.200s", path);
	return 0;
}

static int read_prompt(struct cfg_reader *r, const struct cfg_node *node, char out[CFG_PROMPT])
{
	static const char expected[] = "the name of a wav file below `prompts`, such as busy.wav";
	int err = cfg_text(r, node, out, CFG_PROMPT, expected);
	size_t n = err ? 0 : strlen(out);

	if (err)
		return err;
	if (n < 5 || strcasecmp(out + n - 4, ".wav") != 0 || !is_inside(out))
		return cfg_expected(r, node, expected);
	if (!r->cfg->prompts[0])
		return cfg_fail(r, node,
			"expected the key prompts at the top of the file (a directory), found none");
	return check_wav(r, node, out);
}

static int keep_prompt(struct cfg_reader *r, const struct cfg_node *node, char **to)
{
	char name[CFG_PROMPT];
	int err = read_prompt(r, node, name);

	if (err)
		return err;
	*to = calloc(1, strlen(name) + 1);
	if (!*to)
		return -ENOMEM;
	strcpy(*to, name);
	return 0;
}

int cfg_read_ringback(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_codecs *c = codecs_of(to);

	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, "pass, tone or the name of a wav file");
	c->ringback = strcmp(node->text, "pass") == 0	? CFG_RINGBACK_PASS
		      : strcmp(node->text, "tone") == 0 ? CFG_RINGBACK_TONE
							: CFG_RINGBACK_FILE;
	return c->ringback == CFG_RINGBACK_FILE ? keep_prompt(r, node, &c->ringback_file) : 0;
}

int cfg_read_hold_music(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return keep_prompt(r, node, &codecs_of(to)->hold_music);
}

int cfg_read_announce(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "announcements, as in {404: unknown.wav, 486: busy.wav}";
	struct cfg_codecs *c = codecs_of(to);

	if (node->kind != CFG_NODE_MAP)
		return cfg_expected(r, node, expected);
	if (node->children > CFG_ANNOUNCES)
		return cfg_fail(r, node, "expected at most %u announcements, found %u",
			CFG_ANNOUNCES, node->children);
	c->announce = calloc(node->children + 1u, sizeof(*c->announce));
	if (!c->announce)
		return -ENOMEM;
	for (const struct cfg_node *n = node->first; n; n = n->next) {
		struct cfg_announce *a = &c->announce[c->announces];
		char *end;
		unsigned long status = strtoul(n->key, &end, 10);
		int err;

		if (*end || !isdigit((unsigned char)n->key[0]) || status < 400 || status > 699)
			return cfg_fail(r, n, "expected a status from 400 to 699, found \"%.32s\"",
				n->key);
		a->status = (uint16_t)status;
		err = read_prompt(r, n, a->file);
		if (err)
			return err;
		c->announces++;
	}
	return 0;
}

void cfg_codecs_free(struct cfg_codecs *c)
{
	free(c->allow.name);
	free(c->strip.name);
	free(c->order.name);
	free(c->add.name);
	free(c->ringback_file);
	free(c->hold_music);
	free(c->announce);
}
