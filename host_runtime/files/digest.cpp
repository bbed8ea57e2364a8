#include "host_runtime/files/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

class Sha256 {
public:
    Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
        check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
    }
    void add(std::span<const char> bytes) {
        check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    }
    std::string text() {
        std::array<unsigned char, kDigestCharacters / 2> digest{};
        unsigned size = 0;
        check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1 && size == digest.size());
        std::string out;
        for (const unsigned char byte : digest) {
            out += fmt::format("{:02x}", byte);
        }
        return out;
    }

private:
    static void check(bool ok) {
        if (!ok) {
            throw RunError("OpenSSL cannot compute a SHA-256");
        }
    }
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::span<const char> bytes) {
    Sha256 digest;
    digest.add(bytes);
    return digest.text();
}

std::string sha256_of_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<char> block(std::size_t{1} << 20);
    Sha256 digest;
    while (in) {
        in.read(block.data(), static_cast<std::streamsize>(block.size()));
        digest.add(std::span(block).first(static_cast<std::size_t>(in.gcount())));
    }
    if (!in.eof()) {
        throw InputError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
    }
    return digest.text();
}

}  // namespace memprop::host
