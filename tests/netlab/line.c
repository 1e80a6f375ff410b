/* One direction of the line: offered -> loss drawn -> queue (full: dropped) -> sent at the rate -> delayed -> delivered.
 *
 * The rate is known for all times, so the moment at which a packet will have left is known when it comes: the queue is
 * the time until the line is free. Loss is drawn per packet offered, whatever then becomes of it, so that the same seed
 * and the same packets give the same loss; a lost packet has taken its share of the line. */
#include "netlab.h"

#include <stdlib.h>
#include <string.h>

#define BIT_NS (8 * SECOND_NS) /* bytes to bit times nanoseconds per second */
#define SMALLEST_QUEUE_BYTES 3000
#define JITTER_STEP_NS (SECOND_NS / 100)

static uint64_t mix(uint64_t x) { /* splitmix64 */
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static double unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

static double draw(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15ULL;
    return unit(mix(*state));
}

static struct slot *slot_of(struct line *line, int64_t at_ns) {
    int64_t index = (at_ns - line->start_ns) / SLOT_NS;
    return &line->slots[index < 0 ? 0 : index < SLOTS ? index : SLOTS - 1];
}

/* The rate at a moment, and until when it holds. */
static int64_t rate_at(const struct line *line, int64_t at_ns, int64_t *until_ns) {
    int64_t into = at_ns - line->start_ns + line->phase_ns, base = at_ns - into;
    if (line->repeat_ns) {
        int64_t rounds = into / line->repeat_ns;
        base += rounds * line->repeat_ns;
        into -= rounds * line->repeat_ns;
    }
    int low = 0, high = line->step_count; /* steps[low].at_ns <= into < steps[high].at_ns */
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (line->steps[middle].at_ns <= into) low = middle;
        else high = middle;
    }
    if (high < line->step_count) *until_ns = base + line->steps[high].at_ns;
    else *until_ns = line->repeat_ns ? base + line->repeat_ns : INT64_MAX;
    return line->steps[low].rate_bps;
}

/* The piece of time from a moment on in which neither the rate nor the slot changes. */
static int64_t piece(const struct line *line, int64_t at_ns, int64_t *until_ns) {
    int64_t rate_bps = rate_at(line, at_ns, until_ns);
    int64_t slot_end_ns = at_ns + SLOT_NS - (at_ns - line->start_ns) % SLOT_NS;
    if (slot_end_ns < *until_ns) *until_ns = slot_end_ns;
    return rate_bps;
}

static int64_t backlog_bytes(const struct line *line, int64_t now_ns) {
    __int128 bit_ns = 0;
    for (int64_t at_ns = now_ns, until_ns; at_ns < line->free_ns; at_ns = until_ns) {
        int64_t rate_bps = rate_at(line, at_ns, &until_ns);
        if (until_ns > line->free_ns) until_ns = line->free_ns;
        bit_ns += (__int128)rate_bps * (until_ns - at_ns);
    }
    return (int64_t)(bit_ns / BIT_NS);
}

static int is_full(struct line *line, uint32_t bytes, int64_t now_ns) {
    int64_t until_ns, rate_bps = rate_at(line, now_ns, &until_ns);
    if (rate_bps) line->last_rate_bps = rate_bps; /* an outage leaves the buffer as it was */
    int64_t limit = (int64_t)((__int128)line->last_rate_bps * line->queue_ns / BIT_NS);
    if (limit < SMALLEST_QUEUE_BYTES) limit = SMALLEST_QUEUE_BYTES;
    return backlog_bytes(line, now_ns) + bytes > limit;
}

/* Send a packet over the line from a moment on; return when its last bit has left. */
static int64_t transmit(struct line *line, uint32_t bytes, int64_t at_ns) {
    int64_t all = bytes * BIT_NS, left = all, until_ns;
    for (;;) {
        int64_t rate_bps = piece(line, at_ns, &until_ns);
        int64_t took_ns = rate_bps ? (left + rate_bps - 1) / rate_bps : INT64_MAX;
        struct slot *slot = slot_of(line, at_ns);
        if (took_ns <= until_ns - at_ns) {
            slot->busy_ns += (uint64_t)took_ns;
            slot->served_bytes += bytes - (uint64_t)((all - left) / BIT_NS);
            slot->served_packets++;
            return at_ns + took_ns;
        }
        int64_t before = (all - left) / BIT_NS;
        left -= rate_bps * (until_ns - at_ns);
        slot->busy_ns += (uint64_t)(until_ns - at_ns);
        slot->served_bytes += (uint64_t)((all - left) / BIT_NS - before);
        at_ns = until_ns;
    }
}

/* Gilbert-Elliott on top of independent loss; always the same number of draws per packet. */
static int is_lost(struct line *line) {
    double turn = draw(&line->loss_state), in_state = draw(&line->loss_state), alone = draw(&line->loss_state);
    line->bad = line->bad ? turn >= line->to_good : turn < line->to_bad;
    return (line->bad && in_state < line->loss_bad) || alone < line->loss;
}

/* Jitter drifts between random points, as queues and radio schedulers do: neighbours are delayed alike. With
 * reordering, every packet draws its own. */
static int64_t jitter_at(struct line *line, int64_t at_ns) {
    if (!line->jitter_ns) return 0;
    if (line->reorder) return (int64_t)(draw(&line->jitter_state) * (double)line->jitter_ns);
    int64_t into = at_ns - line->start_ns, step = into / JITTER_STEP_NS;
    double part = (double)(into % JITTER_STEP_NS) / (double)JITTER_STEP_NS;
    double from = unit(mix(line->jitter_state + (uint64_t)step)), to = unit(mix(line->jitter_state + (uint64_t)step + 1));
    return (int64_t)((from + (to - from) * part) * (double)line->jitter_ns);
}

static void grow(struct line *line) {
    uint32_t size = line->ring_size ? line->ring_size * 2 : 1024;
    struct arrival *ring = malloc(size * sizeof *ring);
    if (!ring) abort();
    for (uint32_t i = 0; i < line->count; i++) ring[i] = line->ring[(line->head + i) & (line->ring_size - 1)];
    free(line->ring);
    line->ring = ring;
    line->ring_size = size;
    line->head = 0;
}

static void put_under_way(struct line *line, struct arrival arrival) {
    if (line->count == line->ring_size) grow(line);
    uint32_t mask = line->ring_size - 1, at = line->count++;
    while (at && line->ring[(line->head + at - 1) & mask].due_ns > arrival.due_ns) {
        line->ring[(line->head + at) & mask] = line->ring[(line->head + at - 1) & mask];
        at--;
    }
    line->ring[(line->head + at) & mask] = arrival;
}

static void offer_segment(struct line *line, struct packet *packet, uint32_t index, int64_t now_ns) {
    uint32_t bytes = segment_bytes(packet, index);
    struct slot *now_slot = slot_of(line, now_ns);
    int lost = is_lost(line);
    line->totals->offered_bytes += bytes;
    line->totals->offered_packets++;
    now_slot->offered_bytes += bytes;
    now_slot->offered_packets++;
    if (is_full(line, bytes, now_ns)) {
        line->totals->dropped_bytes += bytes;
        line->totals->dropped_packets++;
        now_slot->dropped_bytes += bytes;
        now_slot->dropped_packets++;
        packet_release(packet, 1);
        return;
    }
    int64_t begin_ns = line->free_ns > now_ns ? line->free_ns : now_ns;
    uint64_t waits_ns = (uint64_t)(begin_ns - now_ns);
    now_slot->queue_ns_sum += waits_ns;
    if (waits_ns > now_slot->queue_ns_max) now_slot->queue_ns_max = waits_ns;
    now_slot->accepted_packets++;
    line->free_ns = transmit(line, bytes, begin_ns);
    int64_t due_ns = line->free_ns + line->delay_ns + jitter_at(line, line->free_ns);
    if (!line->reorder && due_ns < line->last_due_ns) due_ns = line->last_due_ns;
    line->last_due_ns = due_ns;
    if (lost) {
        struct slot *left_slot = slot_of(line, line->free_ns);
        left_slot->lost_bytes += bytes;
        left_slot->lost_packets++;
    }
    line->totals->held_bytes += bytes;
    line->totals->held_packets++;
    put_under_way(line, (struct arrival){packet, index, bytes, due_ns, lost});
}

void line_start(struct line *line, int64_t now_ns) {
    line->start_ns = line->filled_ns = now_ns;
    line->loss_state = mix(line->seed);
    line->jitter_state = mix(line->seed ^ 0x6a09e667f3bcc909ULL);
    for (int i = 0; i < line->step_count && !line->last_rate_bps; i++) line->last_rate_bps = line->steps[i].rate_bps;
}

void line_offer(struct line *line, struct packet *packet, int64_t now_ns) {
    uint32_t segments = packet->segments; /* the last release frees the packet */
    for (uint32_t i = 0; i < segments; i++) offer_segment(line, packet, i, now_ns);
}

static void deliver_run(struct line *line, struct packet *packet, uint32_t first, uint32_t count, int64_t now_ns) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += segment_bytes(packet, first + i);
    struct slot *slot = slot_of(line, now_ns);
    if (segments_write(line->out_fd, packet, first, count)) {
        line->totals->refused_bytes += bytes;
        line->totals->refused_packets += count;
    } else {
        line->totals->delivered_bytes += bytes;
        line->totals->delivered_packets += count;
        slot->delivered_bytes += bytes;
        slot->delivered_packets += count;
    }
    line->totals->held_bytes -= bytes;
    line->totals->held_packets -= count;
    packet_release(packet, count);
}

/* Hand over everything that is due; neighbours of one super-packet go together. */
void line_deliver(struct line *line, int64_t now_ns) {
    while (line->count && line->ring[line->head].due_ns <= now_ns) {
        struct arrival first = line->ring[line->head];
        uint32_t run = 0;
        while (line->count && !first.lost) {
            struct arrival *next = &line->ring[line->head];
            if (next->due_ns > now_ns || next->lost || next->packet != first.packet || next->index != first.index + run) break;
            run++;
            line->head = (line->head + 1) & (line->ring_size - 1);
            line->count--;
        }
        if (first.lost) {
            line->head = (line->head + 1) & (line->ring_size - 1);
            line->count--;
            line->totals->lost_bytes += first.bytes;
            line->totals->lost_packets++;
            line->totals->held_bytes -= first.bytes;
            line->totals->held_packets--;
            packet_release(first.packet, 1);
        } else {
            deliver_run(line, first.packet, first.index, run, now_ns);
        }
    }
}

/* Note what the rate allows, a little ahead: a reader must not come before it. */
void line_fill(struct line *line, int64_t now_ns) {
    while (line->filled_ns < now_ns + SLOT_NS) {
        __int128 bit_ns = 0;
        int64_t end_ns = line->filled_ns + SLOT_NS;
        for (int64_t at_ns = line->filled_ns, until_ns; at_ns < end_ns; at_ns = until_ns) {
            int64_t rate_bps = piece(line, at_ns, &until_ns);
            bit_ns += (__int128)rate_bps * (until_ns - at_ns);
        }
        slot_of(line, line->filled_ns)->capacity_bytes = (uint64_t)(bit_ns / BIT_NS);
        line->filled_ns = end_ns;
    }
}

int64_t line_next_ns(const struct line *line) { return line->count ? line->ring[line->head].due_ns : INT64_MAX; }
