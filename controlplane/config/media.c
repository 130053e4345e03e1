// SPDX-License-Identifier: BSD-3-Clause
// The sections that hawse-media reads: media and dataplane.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// ---- media

static bool linux_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 16 && !strpbrk(name, "/ :,") && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int read_device(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "a Linux interface (eth0), tap:NAME or a DPDK device "
				       "(0000:03:00.0, net_pcap0,...)";
	struct cfg_media *m = to;
	int err = cfg_text(r, node, m->device, sizeof(m->device), expected);
	bool dpdk;

	if (err)
		return err;
	if (strncmp(m->device, "tap:", 4) == 0)
		return linux_name(m->device + 4) ? 0 : cfg_expected(r, node, expected);
	dpdk = strpbrk(m->device, ":,") || strncmp(m->device, "net_", 4) == 0 ||
	       strncmp(m->device, "eth_", 4) == 0;
	if (!dpdk && !linux_name(m->device))
		return cfg_expected(r, node, expected);
	for (struct cfg_media *other = r->cfg->media; other < m; other++)
		if (strcmp(other->device, m->device) == 0)
			return cfg_fail(r, node,
				"expected each device once, found \"%s\" in media.%s too: give "
				"that "
				"one both addresses",
				m->device, other->name);
	return 0;
}

static int read_address(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_media *m = to;
	struct cfg_address *a = &m->addresses[m->address_count];
	int err = cfg_host(r, node, 0, a);

	if (err)
		return err;
	for (struct cfg_media *other = r->cfg->media; other <= m; other++)
		for (unsigned i = 0; i < other->address_count; i++)
			if (cfg_same_ip(&other->addresses[i], a))
				return cfg_fail(r, node,
					"expected each media address once, found %s in media.%s "
					"too",
					node->text, other->name);
	m->address_count++;
	return 0;
}

static int read_addresses(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_media *m = to;

	if (cfg_count(node) > 64)
		return cfg_fail(
			r, node, "expected at most 64 addresses, found %u", cfg_count(node));
	m->addresses = calloc(cfg_count(node) + 1u, sizeof(*m->addresses));
	if (!m->addresses)
		return -ENOMEM;
	return cfg_each(r, node, "an IP address or a list of them", read_address, m);
}

static bool parse_range(const char *text, unsigned *first, unsigned *last)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 11)
		return false;
	*first = (unsigned)strtoul(text, &end, 10);
	if (end[0] != '-' || !isdigit((unsigned char)end[1]))
		return false;
	*last = (unsigned)strtoul(end + 1, &end, 10);
	return *end == '\0';
}

static int read_ports(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_media *m = to;
	unsigned first, last;

	if (node->kind != CFG_NODE_TEXT || !parse_range(node->text, &first, &last))
		return cfg_expected(r, node, "a range such as 20000-59999");
	if (first < 1024 || last > 65535 || first >= last)
		return cfg_expected(r, node, "a range within 1024-65535, the lower port first");
	if (first % 2)
		return cfg_fail(r, node,
			"expected an even first port (RTP takes it, RTCP the next), found %u: "
			"write "
			"%u-%u",
			first, first + 1, last);
	if (last % 2 == 0)
		return cfg_fail(r, node,
			"expected an odd last port (RTCP of the last pair), found %u: write %u-%u",
			last, first, last - 1);
	m->first_port = (uint16_t)first;
	m->last_port = (uint16_t)last;
	return 0;
}

static int read_queues(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_media *m = to;
	unsigned n;
	int err = cfg_number(r, node, 1, 64, "a number", &n);

	if (!err)
		m->queues = (uint8_t)n;
	return err;
}

static int read_vlan(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_media *m = to;
	unsigned n;
	int err = cfg_number(r, node, 1, 4094, "a VLAN", &n);

	if (!err)
		m->vlan = (uint16_t)n;
	return err;
}

// The kernel takes tags off and puts them on for its own interfaces.
static int check_vlan(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_media *m)
{
	if (!m->vlan || strpbrk(m->device, ":,"))
		return 0;
	return cfg_fail(r, node,
		"vlan is for devices that DPDK owns; for a Linux interface name the VLAN's own "
		"interface as the device: %s.%u",
		m->device, m->vlan);
}

static int read_interface(struct cfg_reader *r, const struct cfg_node *node)
{
	static const struct cfg_key keys[] = {
		{"device", read_device},
		{"address", read_addresses},
		{"ports", read_ports},
		{"queues", read_queues},
		{"vlan", read_vlan},
	};
	struct cfg_media *m = &r->cfg->media[r->cfg->media_count];
	int err = cfg_name(r, node, node->key, m->name, sizeof(m->name));

	if (err)
		return err;
	// Counted at once, so that what it allocates is freed on an error.
	r->cfg->media_count++;
	m->first_port = 20000;
	m->last_port = 59999;
	err = cfg_map(r, node, keys, COUNT(keys), m);
	if (err)
		return err;
	if (!m->device[0])
		return cfg_fail(r, node,
			"expected the key device (an interface such as eth0), found "
			"none");
	if (!m->address_count)
		return cfg_fail(r, node,
			"expected the key address (the IP address that media uses), "
			"found none");
	return check_vlan(r, node, m);
}

int cfg_read_media(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	unsigned addresses = 0;

	if (node->kind != CFG_NODE_MAP || !node->children)
		return cfg_expected(r, node,
			"media interfaces, as in {public: {device: eth0, address: 192.0.2.1}}");
	if (node->children > CFG_INTERFACES)
		return cfg_fail(r, node, "expected at most %u interfaces, found %u", CFG_INTERFACES,
			node->children);
	r->cfg->media = calloc(node->children, sizeof(*r->cfg->media));
	if (!r->cfg->media)
		return -ENOMEM;
	for (const struct cfg_node *c = node->first; c; c = c->next) {
		int err = read_interface(r, c);

		if (err)
			return err;
		addresses += r->cfg->media[r->cfg->media_count - 1].address_count;
		if (addresses > CFG_MEDIA_ADDRESSES)
			return cfg_fail(r, c, "expected at most %u media addresses in all",
				CFG_MEDIA_ADDRESSES);
	}
	return 0;
}

// ---- dataplane

static int read_workers(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 63, "a number", &r->cfg->dataplane.workers);
}

static int read_core(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_dataplane *d = &r->cfg->dataplane;
	unsigned core;
	int err = cfg_number(r, node, 0, 1023, "the number of a CPU core", &core);

	if (err)
		return err;
	if (d->core_count == COUNT(d->cores))
		return cfg_fail(r, node, "expected at most 63 cores");
	for (unsigned i = 0; i < d->core_count; i++)
		if (d->cores[i] == (int)core)
			return cfg_fail(r, node, "expected each core once, found %u twice", core);
	d->cores[d->core_count++] = (int)core;
	return 0;
}

static int read_cores(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_dataplane *d = &r->cfg->dataplane;
	int err = cfg_each(r, node, "a list of CPU cores, one for each worker", read_core, NULL);

	if (err)
		return err;
	// `workers` is read before; not written, the cores say how many.
	if (!d->workers && d->core_count <= 63)
		d->workers = d->core_count;
	if (d->core_count != d->workers)
		return cfg_fail(r, node, "expected one core for each of the %u workers, found %u",
			d->workers, d->core_count);
	return 0;
}

static int read_agent_core(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_dataplane *d = &r->cfg->dataplane;
	unsigned core;
	int err = cfg_number(r, node, 0, 1023, "the number of a CPU core", &core);

	if (err)
		return err;
	for (unsigned i = 0; i < d->core_count; i++)
		if (d->cores[i] == (int)core)
			return cfg_fail(r, node,
				"expected a core that no worker has, found %u, which is in "
				"dataplane.cores",
				core);
	d->agent_core = (int)core;
	return 0;
}

static int read_poll(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"auto", CFG_POLL_AUTO},
		{"adaptive", CFG_POLL_ADAPTIVE},
		{"busy", CFG_POLL_BUSY},
	};
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (!err)
		r->cfg->dataplane.poll = (enum cfg_poll)value;
	return err;
}

static int read_sessions(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 2097152, "a number", &r->cfg->dataplane.sessions);
}

static int read_memory(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 32, 1048576, "MiB", &r->cfg->dataplane.memory);
}

static int read_quarantine(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 0, 3600, "seconds", &r->cfg->dataplane.quarantine);
}

static int read_grace(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_number(r, node, 1, 3600, "seconds", &r->cfg->dataplane.grace);
}

static int read_transcoders(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	unsigned n;
	int err = cfg_number(r, node, 0, 16, "a number", &n);

	if (!err)
		r->cfg->dataplane.transcoders = (int)n;
	return err;
}

static int read_transcoder_core(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_dataplane *d = &r->cfg->dataplane;
	unsigned core;
	int err = cfg_number(r, node, 0, 1023, "the number of a CPU core", &core);

	if (err)
		return err;
	if (d->transcoder_core_count == COUNT(d->transcoder_cores))
		return cfg_fail(r, node, "expected at most %zu cores", COUNT(d->transcoder_cores));
	d->transcoder_cores[d->transcoder_core_count++] = (int)core;
	return 0;
}

static int read_transcoder_cores(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return cfg_each(r, node, "a list of CPU cores", read_transcoder_core, NULL);
}

int cfg_read_dataplane(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"workers", read_workers},
		{"cores", read_cores},
		{"agent_core", read_agent_core},
		{"poll", read_poll},
		{"sessions", read_sessions},
		{"memory", read_memory},
		{"quarantine", read_quarantine},
		{"grace", read_grace},
		{"transcoders", read_transcoders},
		{"transcoder_cores", read_transcoder_cores},
	};

	return cfg_map(r, node, keys, COUNT(keys), NULL);
}
