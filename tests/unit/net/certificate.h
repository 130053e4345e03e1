// SPDX-License-Identifier: BSD-3-Clause
// Certificates for tests: made at run time, P-256, kept in a folder that goes away with them.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

struct Certificate {
	char dir[32] = "/tmp/hawse-cert-XXXXXX";
	std::string certificate, key;
	EVP_PKEY *pkey = nullptr;
	X509 *x = nullptr;

	// Self-signed authority when `issuer` is null. `names` as X509V3 writes them: "DNS:a.example".
	Certificate(const char *common_name, const Certificate *issuer,
		const std::vector<std::string> &names)
	{
		if (!mkdtemp(dir))
			abort();
		certificate = std::string(dir) + "/cert.pem";
		key = std::string(dir) + "/key.pem";
		pkey = EVP_EC_gen("P-256");
		x = X509_new();
		X509_set_version(x, 2);
		ASN1_INTEGER_set(X509_get_serialNumber(x), issuer ? 2 : 1);
		X509_gmtime_adj(X509_getm_notBefore(x), -3600);
		X509_gmtime_adj(X509_getm_notAfter(x), 3600);
		X509_set_pubkey(x, pkey);
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
			reinterpret_cast<const unsigned char *>(common_name), -1, -1, 0);
		X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->x : x));
		std::string all;
		for (auto &name : names)
			all += (all.empty() ? "" : ",") + name;
		if (!all.empty())
			extend(NID_subject_alt_name, all.c_str());
		if (!issuer)
			extend(NID_basic_constraints, "critical,CA:TRUE");
		X509_sign(x, issuer ? issuer->pkey : pkey, EVP_sha256());
		FILE *f = fopen(certificate.c_str(), "w");
		PEM_write_X509(f, x);
		fclose(f);
		umask(077);
		f = fopen(key.c_str(), "w");
		PEM_write_PrivateKey(f, pkey, nullptr, nullptr, 0, nullptr, nullptr);
		fclose(f);
	}
	Certificate(const Certificate &) = delete;

	~Certificate()
	{
		unlink(certificate.c_str());
		unlink(key.c_str());
		rmdir(dir);
		X509_free(x);
		EVP_PKEY_free(pkey);
	}

      private:
	void extend(int nid, const char *value)
	{
		X509V3_CTX ctx;

		X509V3_set_ctx_nodb(&ctx);
		X509V3_set_ctx(&ctx, x, x, nullptr, nullptr, 0);
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value);
		X509_add_ext(x, extension, -1);
		X509_EXTENSION_free(extension);
	}
};
