# The core's C function table, as the bridge sees it. Layout and contract: native/src/capi.rs.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <time.h>

    #define WW_ABI_VERSION 7u

    typedef struct {
        uint16_t market;
        uint8_t flags;
        uint8_t refusal;
        uint32_t reserved;
        int64_t price;
        int64_t amount;
        uint64_t sequence;
    } ww_place;

    typedef struct {
        uint16_t market;
        uint8_t flags;
        uint8_t reserved[5];
        int64_t price;
        int64_t amount;
    } ww_modify;

    typedef struct {
        uint16_t market;
        uint8_t is_move;
        uint8_t rule;
        uint8_t is_ready;
        uint8_t reserved[3];
        int64_t price;
        int64_t amount;
        uint64_t key;
        uint64_t nonce;
    } ww_reflex;

    typedef struct {
        int32_t state;
        uint16_t status;
        uint8_t keep_alive;
        uint8_t reserved;
        const uint8_t *body;
        size_t body_len;
        size_t left;
    } ww_http_step;

    typedef struct {
        uint32_t abi_version;
        uint32_t size;
        uint32_t (*on_frame)(void *, const uint8_t *, size_t, int64_t);
        int64_t (*place)(void *, const ww_place *, uint64_t, int64_t, uint8_t *, size_t);
        int64_t (*modify)(void *, const ww_modify *, const uint8_t *, size_t, uint64_t, int64_t,
                          uint8_t *, size_t);
        int64_t (*cancel)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t, uint8_t *,
                          size_t);
        int64_t (*bulk)(void *, ww_place *, size_t, uint64_t, int64_t, uint8_t *, size_t);
        void (*record)(void *, uint32_t, int64_t);
        void (*http_step)(void *, const uint8_t *, size_t, ww_http_step *);
        int64_t (*call_place)(void *, const ww_place *, uint64_t, int64_t, uint8_t *, size_t);
        int64_t (*call_modify)(void *, const ww_modify *, const uint8_t *, size_t, uint64_t,
                               int64_t, uint8_t *, size_t);
        int64_t (*call_cancel)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t,
                               uint8_t *, size_t);
        uint8_t (*reflex_next)(void *, ww_reflex *);
        int64_t (*reflex_write)(void *, ww_reflex *, int64_t *, size_t, int64_t, uint8_t *, size_t);
        int64_t (*cancel_ready)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t,
                                uint64_t *, uint8_t *, size_t);
        void (*place_many)(void *, const ww_place *, size_t, int64_t *, size_t, int64_t, uint64_t *,
                           uint8_t *, size_t, int64_t *);
        int64_t (*place_now)(void *, const ww_place *, int64_t *, size_t, int64_t, uint64_t *,
                             uint8_t *, size_t);
        void (*keep_warm)(void *, uint16_t, uint8_t, int64_t);
    } ww_api;

    static inline int64_t ww_now_ns(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    }

    static inline int64_t ww_epoch_ms(void) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    }
    """
    const uint32_t WW_ABI_VERSION

    ctypedef struct ww_place:
        uint16_t market
        uint8_t flags
        uint8_t refusal
        uint32_t reserved
        int64_t price
        int64_t amount
        uint64_t sequence

    ctypedef struct ww_modify:
        uint16_t market
        uint8_t flags
        int64_t price
        int64_t amount

    ctypedef struct ww_reflex:
        uint16_t market
        uint8_t is_move
        uint8_t rule
        uint8_t is_ready
        int64_t price
        int64_t amount
        uint64_t key
        uint64_t nonce

    ctypedef struct ww_http_step:
        int32_t state
        uint16_t status
        uint8_t keep_alive
        const uint8_t *body
        size_t body_len
        size_t left

    ctypedef struct ww_api:
        uint32_t abi_version
        uint32_t size
        uint32_t (*on_frame)(void *, const uint8_t *, size_t, int64_t) noexcept
        int64_t (*place)(void *, const ww_place *, uint64_t, int64_t, uint8_t *, size_t) noexcept
        int64_t (*modify)(void *, const ww_modify *, const uint8_t *, size_t, uint64_t, int64_t,
                          uint8_t *, size_t) noexcept
        int64_t (*cancel)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t, uint8_t *,
                          size_t) noexcept
        int64_t (*bulk)(void *, ww_place *, size_t, uint64_t, int64_t, uint8_t *, size_t) noexcept
        void (*record)(void *, uint32_t, int64_t) noexcept
        void (*http_step)(void *, const uint8_t *, size_t, ww_http_step *) noexcept
        int64_t (*call_place)(void *, const ww_place *, uint64_t, int64_t, uint8_t *,
                              size_t) noexcept
        int64_t (*call_modify)(void *, const ww_modify *, const uint8_t *, size_t, uint64_t,
                               int64_t, uint8_t *, size_t) noexcept
        int64_t (*call_cancel)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t,
                               uint8_t *, size_t) noexcept
        uint8_t (*reflex_next)(void *, ww_reflex *) noexcept
        int64_t (*reflex_write)(void *, ww_reflex *, int64_t *, size_t, int64_t, uint8_t *,
                                size_t) noexcept
        int64_t (*cancel_ready)(void *, uint16_t, const uint8_t *, size_t, uint64_t, int64_t,
                                uint64_t *, uint8_t *, size_t) noexcept
        void (*place_many)(void *, const ww_place *, size_t, int64_t *, size_t, int64_t, uint64_t *,
                           uint8_t *, size_t, int64_t *) noexcept
        int64_t (*place_now)(void *, const ww_place *, int64_t *, size_t, int64_t, uint64_t *,
                             uint8_t *, size_t) noexcept
        void (*keep_warm)(void *, uint16_t, uint8_t, int64_t) noexcept

    int64_t ww_now_ns() noexcept
    int64_t ww_epoch_ms() noexcept
