// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/config/access.h"
#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int read_directory(struct cfg_reader *r, const struct cfg_node *node, char *path,
	size_t size, const char *expected)
{
	int err = cfg_text(r, node, path, size, expected);
	size_t n;

	if (err)
		return err;
	if (path[0] != '/')
		return cfg_expected(r, node, expected);
	n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	return 0;
}

static int read_run(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg *cfg = r->cfg;
	int err = read_directory(r, node, cfg->run, sizeof(cfg->run),
		"the whole path of a directory, such as /run/hawse");

	strcpy(cfg->state, cfg->run);
	return err;
}

static int read_state(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg *cfg = r->cfg;

	if (node->kind == CFG_NODE_TEXT && !*node->text && node->quoted) {
		cfg->state[0] = '\0';
		return 0;
	}
	return read_directory(r, node, cfg->state, sizeof(cfg->state),
		"the whole path of a directory, such as /var/lib/hawse, or \"\" for no journal");
}

static int read_prompts(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_directory(r, node, r->cfg->prompts, sizeof(r->cfg->prompts),
		"the whole path of a directory, such as /var/lib/hawse/prompts");
}

static int read_recordings(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_directory(r, node, r->cfg->recordings, sizeof(r->cfg->recordings),
		"the whole path of a directory, such as /var/lib/hawse/recordings");
}

static int read_user(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	if (node->kind != CFG_NODE_TEXT)
		return cfg_expected(r, node, "the name of a user of this machine");
	if (!*node->text && node->quoted)
		return 0;
	return cfg_name(r, node, node->text, r->cfg->user, sizeof(r->cfg->user));
}

static void set_defaults(struct cfg *cfg, const char *file)
{
	snprintf(cfg->file, sizeof(cfg->file), "%s", file);
	cfg->dataplane = (struct cfg_dataplane){
		.agent_core = -1,
		.transcoders = -1,
		.sessions = 10000,
		.memory = 256,
		.quarantine = 5,
		.grace = 30,
	};
	cfg->sip.media_timeout = 30;
	cfg->sip.ring_timeout = 180;
	cfg->sip.max_calls = 10000;
	cfg->sip.trace = 16;
	cfg->sip.shards = 1;
	cfg->sip.stranger_rate = 20;
	cfg->sip.shed_after = 100;
	cfg->sip.ban = (struct cfg_ban){.failures = 10, .window = 60, .time = 3600};
	strcpy(cfg->sip.emergency[0], "112");
	strcpy(cfg->sip.emergency[1], "911");
	strcpy(cfg->sip.emergency[2], "urn:service:sos");
	cfg->sip.emergency_count = 3;
	strcpy(cfg->sip.user_agent, "Hawse");
	cfg->stats.how.sync_s = 1;
	strcpy(cfg->run, "/run/hawse");
	strcpy(cfg->state, cfg->run);
}

// Sections are read in this order, so that each can be checked against those before it.
static const struct cfg_key sections[] = {
	{"run", read_run},
	{"state", read_state},
	{"user", read_user},
	{"prompts", read_prompts},
	{"recordings", read_recordings},
	{"media", cfg_read_media},
	{"dataplane", cfg_read_dataplane},
	{"sip", cfg_read_sip},
	{"stats", cfg_read_stats},
	{"peers", cfg_read_peers},
	{"routes", cfg_read_routes},
};

static int read_root(struct cfg_reader *r, const struct cfg_node *root)
{
	static const struct cfg_node empty = {.kind = CFG_NODE_MAP, .line = 1, .column = 1};
	int err;

	if (!root || (root->kind == CFG_NODE_TEXT && !*root->text))
		root = &empty;
	err = cfg_map(r, root, sections, COUNT(sections), NULL);
	if (err)
		return err;
	if (!r->cfg->media_count)
		return cfg_fail(r, root,
			"expected the key media, as in media: {public: {device: eth0, "
			"address: 192.0.2.1}}, found none");
	if (!r->cfg->dataplane.workers)
		r->cfg->dataplane.workers = 1;
	return 0;
}

int cfg_parse(
	struct cfg **cfg, const char *file, const void *text, size_t size, struct cfg_error *error)
{
	struct cfg_reader r = {.file = file, .error = error};
	struct cfg_yaml yaml;
	int err;

	*cfg = NULL;
	*error = (struct cfg_error){0};
	err = cfg_yaml_parse(&yaml, file, text, size, error);
	if (err)
		goto out;
	r.cfg = calloc(1, sizeof(*r.cfg));
	if (r.cfg)
		r.cfg->text = malloc(size + 1);
	if (r.cfg && r.cfg->text) {
		memcpy(r.cfg->text, text, size);
		r.cfg->text[size] = '\0';
		r.cfg->text_size = size;
		set_defaults(r.cfg, file);
		err = read_root(&r, yaml.root);
	} else {
		err = -ENOMEM;
	}
	cfg_yaml_free(&yaml);
out:
	if (err == -ENOMEM)
		snprintf(error->text, sizeof(error->text), "%.200s: out of memory", file);
	if (err)
		cfg_free(r.cfg);
	else
		*cfg = r.cfg;
	return err;
}

int cfg_read_file(const char *file, char **text, size_t *size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;
	size_t used = 0;
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		err = -EISDIR;
		goto out;
	}
	// One byte more than is allowed: cfg_yaml_parse() says so then. Pipes have no size.
	bytes = malloc(CFG_YAML_BYTES + 2);
	if (!bytes) {
		err = -ENOMEM;
		goto out;
	}
	while (used < CFG_YAML_BYTES + 1) {
		ssize_t n = read(fd, bytes + used, CFG_YAML_BYTES + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
out:
	close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	bytes[used] = '\0';
	*text = bytes;
	*size = used;
	return 0;
}

int cfg_read(const char *file, char **text, size_t *size, struct cfg_error *error)
{
	int err = cfg_read_file(file, text, size);

	if (!err)
		return 0;
	*error = (struct cfg_error){0};
	snprintf(error->text, sizeof(error->text), "%.200s: cannot be read: %s%s", file,
		strerror(-err), err == -ENOENT ? "; name the configuration by -c FILE" : "");
	return err;
}

int cfg_load(struct cfg **cfg, const char *file, struct cfg_error *error)
{
	char *text = NULL;
	size_t size = 0;
	int err = cfg_read(file, &text, &size, error);

	*cfg = NULL;
	if (err)
		return err;
	err = cfg_parse(cfg, file, text, size, error);
	free(text);
	return err;
}

void cfg_free(struct cfg *cfg)
{
	if (!cfg)
		return;
	for (unsigned i = 0; i < cfg->media_count; i++)
		free(cfg->media[i].addresses);
	for (unsigned i = 0; i < cfg->peer_count; i++) {
		free(cfg->peers[i].addresses);
		free(cfg->peers[i].hosts);
		free(cfg->peers[i].tls);
		cfg_trunk_free(&cfg->peers[i].trunk);
		cfg_codecs_free(&cfg->peers[i].codecs);
		cfg_access_free(cfg->peers[i].access);
		cfg_register_free(cfg->peers[i].reg);
		free(cfg->peers[i].acl.networks);
		free(cfg->peers[i].acl.denied);
	}
	for (unsigned i = 0; i < cfg->route_count; i++)
		cfg_route_free(&cfg->routes[i]);
	free(cfg->text);
	free(cfg->media);
	free(cfg->sip.listen);
	free(cfg->sip.acl.networks);
	free(cfg->sip.acl.denied);
	free(cfg->peers);
	free(cfg->routes);
	free(cfg);
}
