/* A line between two network namespaces: what its three parts agree on.
 *
 * emulator.c   namespaces, TUN devices, configuration, the loop
 * line.c       rate, queue, loss, delay, account: everything that a packet meets
 * segments.c   a GSO super-packet and the packets that it stands for
 *
 * Times are nanoseconds of CLOCK_MONOTONIC, sizes are bytes at layer 3, rates are bit/s. */
#ifndef NETLAB_H
#define NETLAB_H

#include <linux/virtio_net.h>
#include <stdint.h>

#define SECOND_NS 1000000000LL
#define SLOT_NS (SECOND_NS / 10)
#define SLOTS 144000 /* four hours; the file is sparse */
#define HEADER_WORDS 64
#define MAGIC 0x3142414c54454eULL /* "NETLAB1" */

/* The layouts of the two are read by account.py: same names, same order. */
struct totals {
    uint64_t offered_bytes, offered_packets;
    uint64_t dropped_bytes, dropped_packets; /* the queue was full */
    uint64_t lost_bytes, lost_packets;       /* sent over the line, never arrived */
    uint64_t delivered_bytes, delivered_packets;
    uint64_t held_bytes, held_packets;       /* in the queue or under way */
    uint64_t refused_bytes, refused_packets; /* arrived, but the kernel did not take it */
};

struct slot {
    uint64_t capacity_bytes;                 /* what the rate allowed */
    uint64_t served_bytes, served_packets;   /* what was sent over the line, lost ones included */
    uint64_t busy_ns;
    uint64_t offered_bytes, offered_packets;
    uint64_t dropped_bytes, dropped_packets;
    uint64_t lost_bytes, lost_packets;
    uint64_t delivered_bytes, delivered_packets;
    uint64_t queue_ns_sum, queue_ns_max;     /* of the packets that were accepted in this slot */
    uint64_t accepted_packets;
};

struct account {
    uint64_t magic, slot_ns, slots, start_ns;
    struct totals totals[2];
    uint64_t spare[HEADER_WORDS - 4 - 2 * sizeof(struct totals) / 8];
    struct slot slot[2][SLOTS];
};

struct packet {
    struct virtio_net_hdr vnet;
    uint32_t bytes;       /* of `data` */
    uint32_t head_bytes;  /* IP and TCP headers, for a super-packet */
    uint32_t segments;
    uint32_t references;
    uint8_t data[];
};

struct arrival { /* one segment under way */
    struct packet *packet;
    uint32_t index, bytes;
    int64_t due_ns;
    int lost;
};

struct step {
    int64_t at_ns;
    int64_t rate_bps;
};

struct line {
    /* configuration */
    struct step *steps;
    int step_count;
    int64_t repeat_ns, phase_ns;
    int64_t delay_ns, jitter_ns, queue_ns;
    double loss, to_bad, to_good, loss_bad;
    int reorder;
    uint64_t seed;
    /* state */
    int out_fd;
    int64_t start_ns, free_ns, last_due_ns, filled_ns, last_rate_bps;
    uint64_t loss_state, jitter_state;
    int bad;
    struct arrival *ring;
    uint32_t ring_size, head, count;
    struct totals *totals;
    struct slot *slots;
};

int64_t clock_ns(void);

struct packet *packet_new(const struct virtio_net_hdr *vnet, const uint8_t *data, uint32_t bytes);
void packet_release(struct packet *packet, uint32_t times);
uint32_t segment_bytes(const struct packet *packet, uint32_t index);
int segments_write(int fd, const struct packet *packet, uint32_t first, uint32_t count);

void line_start(struct line *line, int64_t now_ns);
void line_offer(struct line *line, struct packet *packet, int64_t now_ns);
void line_deliver(struct line *line, int64_t now_ns);
void line_fill(struct line *line, int64_t now_ns);
int64_t line_next_ns(const struct line *line);

#endif
