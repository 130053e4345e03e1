// SPDX-License-Identifier: BSD-3-Clause
#include <map>
#include <set>
#include <sstream>

#include "stats/prometheus.h"
#include "world.h"

class Prometheus : public WorldTest
{
      protected:
	std::string text;
	std::map<std::string, double> samples;
	std::map<std::string, std::string> types, helps;

	// key="value",key="value"
	static void check_labels(std::string labels)
	{
		while (!labels.empty()) {
			size_t key = labels.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
			ASSERT_NE(key, 0u) << labels;
			ASSERT_EQ(labels.substr(key, 2), "=\"") << labels;
			size_t quote = labels.find('"', key + 2);
			ASSERT_NE(quote, std::string::npos) << labels;
			ASSERT_EQ(labels.substr(key, quote - key).find('\\'), std::string::npos);
			labels.erase(0, quote + 1);
			if (labels.empty())
				return;
			ASSERT_EQ(labels[0], ',') << labels;
			labels.erase(0, 1);
			ASSERT_FALSE(labels.empty());
		}
	}

	// Reads it as Prometheus does: families whole, HELP and TYPE before, no sample twice.
	void scrape()
	{
		char *bytes = nullptr;
		size_t size;
		FILE *f = open_memstream(&bytes, &size);
		std::set<std::string> closed;
		std::string family, line;

		ASSERT_EQ(st_prometheus_write(&reader, 60000000, f), 0);
		fclose(f);
		text.assign(bytes, size);
		free(bytes);
		samples.clear();
		types.clear();
		helps.clear();
		std::istringstream in(text);
		while (std::getline(in, line)) {
			if (line.rfind("# HELP ", 0) == 0 || line.rfind("# TYPE ", 0) == 0) {
				size_t end = line.find(' ', 7);
				std::string name = line.substr(7, end - 7);
				auto &map = line[2] == 'H' ? helps : types;

				ASSERT_TRUE(map.emplace(name, line.substr(end + 1)).second) << line;
				if (name != family) {
					ASSERT_TRUE(closed.insert(name).second) << line;
					family = name;
				}
				continue;
			}
			size_t end = line.rfind(' '), brace = line.find('{');
			std::string name = line.substr(0, std::min(brace, end));
			char *rest;
			ASSERT_NE(end, std::string::npos);
			ASSERT_EQ(name, family) << line;
			ASSERT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"),
				std::string::npos)
				<< line;
			if (brace != std::string::npos) {
				ASSERT_EQ(line[end - 1], '}') << line;
				check_labels(line.substr(brace + 1, end - brace - 2));
			}
			double value = strtod(line.c_str() + end + 1, &rest);
			ASSERT_EQ(*rest, '\0') << line;
			ASSERT_TRUE(samples.emplace(line.substr(0, end), value).second) << line;
		}
	}
};

TEST_F(Prometheus, NothingRuns)
{
	attach();
	scrape();
	EXPECT_EQ(samples["hawse_up{process=\"hawse-media\"}"], 0);
	EXPECT_EQ(samples["hawse_up{process=\"hawse-sip\"}"], 0);
	EXPECT_EQ(samples.count("hawse_attached{process=\"hawse-sip\"}"), 0u);
}

TEST_F(Prometheus, CountersOfBoth)
{
	start_media();
	start_sip();
	attach();
	media->counters(0)[1] = 5;
	media->counters(1)[1] = 7;
	media->counters(2)[9] = 3;  // the agent's
	media->counters(2)[1] = 99; // not the agent's to have
	abi_add64(&cp_tregion_counters(sip->t, 1)[0], 11);
	scrape();
	EXPECT_EQ(samples["hawse_media_drops_total{reason=\"stranger\",worker=\"0\"}"], 5);
	EXPECT_EQ(samples["hawse_media_drops_total{reason=\"stranger\",worker=\"1\"}"], 7);
	EXPECT_EQ(samples.count("hawse_media_drops_total{reason=\"stranger\",worker=\"2\"}"), 0u);
	EXPECT_EQ(samples["hawse_media_readers"], 3);
	EXPECT_EQ(samples["hawse_sip_requests_received_total{method=\"INVITE\",shard=\"1\"}"], 11);
	EXPECT_EQ(types["hawse_media_drops_total"], "counter");
	EXPECT_EQ(types["hawse_media_readers"], "gauge");
	EXPECT_EQ(helps["hawse_media_readers"], "Readers \\\\ now?and here");
	EXPECT_TRUE(contains(
		helps["hawse_media_drops_total"], "Media drops; the label \"reason\" says which"))
		<< helps["hawse_media_drops_total"];
	EXPECT_EQ(samples["hawse_up{process=\"hawse-media\"}"], 1);
}

TEST_F(Prometheus, GaugesOfTheReader)
{
	start_media();
	start_sip();
	attach();
	media->add_session(0, ABI_SESSION_ACTIVE, 0, 1, 20000);
	media->add_session(1, ABI_SESSION_ALLOCATED, 0, 0, 20010);
	media->add_session(199, ABI_SESSION_QUARANTINE, 1, 1, 20020);
	media->a()->attached = 1;
	media->a()->heartbeat_us = 58500000;
	cp_tregion_heartbeat(sip->t, 59000000, false);
	scrape();
	EXPECT_EQ(samples["hawse_media_directory_sessions{state=\"active\"}"], 1);
	EXPECT_EQ(samples["hawse_media_directory_sessions{state=\"resting\"}"], 1);
	EXPECT_EQ(samples["hawse_media_directory_sessions{state=\"free\"}"], 197);
	auto ports = [&](const char *name, const char *ip, const char *state) {
		return samples[std::string("hawse_media_address_ports{interface=\"") + name +
			       "\",address=\"" + ip + "\",state=\"" + state + "\"}"];
	};
	EXPECT_EQ(ports("net0", "10.0.0.1", "used"), 2 + 3);
	EXPECT_EQ(ports("net1", "10.0.0.2", "used"), 1);
	EXPECT_EQ(ports("net1", "10.0.0.2", "resting"), 3);
	EXPECT_EQ(ports("net1", "10.0.0.2", "free"), 96);
	EXPECT_EQ(samples["hawse_attached{process=\"hawse-media\"}"], 1);
	EXPECT_EQ(samples["hawse_attached{process=\"hawse-sip\"}"], 0);
	EXPECT_EQ(samples["hawse_heartbeat_age_seconds{process=\"hawse-media\"}"], 1.5);
	EXPECT_EQ(samples["hawse_heartbeat_age_seconds{process=\"hawse-sip\"}"], 1);
}

// Whatever stands in the descriptors, the exposition stays readable.
TEST_F(Prometheus, WrongDescriptors)
{
	std::vector<abi_counter> c = {
		{"ok_total", "a=\"b\"", "fine", 0, 0, {}},
		{"ok_total", "a=\"b\"", "twice", 0, 0, {}},
		{"ok_total", "a=\"c\"", "\n# TYPE evil", 7, 9, {}},
		{"", "", "no name", 0, 0, {}},
		{"with space", "", "", 0, 0, {}},
		{"1st", "", "", 0, 0, {}},
		{"new\nline", "", "", 0, 0, {}},
		{"label1", "a", "", 0, 0, {}},
		{"label2", "a=\"b", "", 0, 0, {}},
		{"label3", "a=\"b\nc\"", "", 0, 0, {}},
		{"label4", "a=\"b\" } 5", "", 0, 0, {}},
		{"label5", "a=\"b\\\"", "", 0, 0, {}},
		{"label6", "a=\"b\",", "", 0, 0, {}},
		{"two_labels", "a=\"b\",c=\"d\"", "fine", 1, 1, {}},
	};
	abi_counter endless;

	memset(&endless, 'x', sizeof(endless));
	c.push_back(endless);
	media = std::make_unique<MediaWorld>(run, c, 1);
	attach();
	ASSERT_TRUE(st_has_media(&reader));
	scrape();
	EXPECT_EQ(samples.count("hawse_ok_total{a=\"b\",worker=\"0\"}"), 1u);
	EXPECT_EQ(samples.count("hawse_ok_total{a=\"c\",worker=\"0\"}"), 1u);
	EXPECT_EQ(samples.count("hawse_two_labels{a=\"b\",c=\"d\"}"), 1u);
	EXPECT_EQ(samples["hawse_stats_bad_metrics"], 11); // no name and no label: a place that is kept
}
