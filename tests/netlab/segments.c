/* A GSO super-packet and the packets that it stands for.
 *
 * The kernel hands over up to 64 kB of a TCP flow as one packet with a segment size. The line treats the segments one by
 * one; those that arrive together go out as one super-packet again, as a network card's receive offload would do. */
#include "netlab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { TCP_SEQ = 4, TCP_FLAGS = 13, TCP_CHECK = 16, IP_LENGTH = 2, IP_ID = 4, IP_CHECK = 10, IP6_LENGTH = 4 };
enum { FIN = 0x01, PSH = 0x08, CWR = 0x80, IP6_HEAD = 40, LARGEST_HEAD = 256 };

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static uint32_t sum16(const uint8_t *at, uint32_t bytes, uint32_t sum) {
    for (uint32_t i = 0; i < bytes; i += 2) sum += get16(at + i);
    return sum;
}

static uint32_t fold(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static int is_gso(const struct virtio_net_hdr *vnet) {
    return vnet->gso_size && (vnet->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 || vnet->gso_type == VIRTIO_NET_HDR_GSO_TCPV6);
}

/* Copy what was read from the device; NULL if there is no memory. */
struct packet *packet_new(const struct virtio_net_hdr *vnet, const uint8_t *data, uint32_t bytes) {
    struct packet *packet = malloc(sizeof *packet + bytes);
    if (!packet) return NULL;
    packet->vnet = *vnet;
    packet->bytes = bytes;
    packet->head_bytes = 0;
    packet->segments = 1;
    memcpy(packet->data, data, bytes);
    if (is_gso(vnet) && vnet->csum_start + 20u <= bytes) {
        uint32_t head = vnet->csum_start + (uint32_t)(data[vnet->csum_start + 12] >> 4) * 4;
        if (head < bytes && head <= LARGEST_HEAD) {
            packet->head_bytes = head;
            packet->segments = (bytes - head + vnet->gso_size - 1) / vnet->gso_size;
        }
    }
    packet->references = packet->segments;
    return packet;
}

void packet_release(struct packet *packet, uint32_t times) {
    packet->references -= times;
    if (!packet->references) free(packet);
}

uint32_t segment_bytes(const struct packet *packet, uint32_t index) {
    if (packet->segments == 1) return packet->bytes;
    uint32_t payload = packet->bytes - packet->head_bytes, from = index * packet->vnet.gso_size;
    uint32_t left = payload - from;
    return packet->head_bytes + (left < packet->vnet.gso_size ? left : packet->vnet.gso_size);
}

/* Make the headers of the segments [first, first + count) out of the super-packet's. */
static void write_head(const struct packet *packet, uint32_t first, uint32_t count, uint32_t payload, uint8_t *head) {
    uint32_t tcp_at = packet->vnet.csum_start, tcp_bytes = packet->head_bytes - tcp_at + payload, sum;
    memcpy(head, packet->data, packet->head_bytes);
    uint8_t *tcp = head + tcp_at;
    uint32_t seq = (get16(tcp + TCP_SEQ) << 16 | get16(tcp + TCP_SEQ + 2)) + first * packet->vnet.gso_size;
    put16(tcp + TCP_SEQ, seq >> 16);
    put16(tcp + TCP_SEQ + 2, seq & 0xffff);
    if (first) tcp[TCP_FLAGS] &= (uint8_t)~CWR;
    if (first + count < packet->segments) tcp[TCP_FLAGS] &= (uint8_t) ~(FIN | PSH);
    if (head[0] >> 4 == 4) {
        put16(head + IP_LENGTH, packet->head_bytes + payload);
        put16(head + IP_ID, get16(head + IP_ID) + first);
        put16(head + IP_CHECK, 0);
        put16(head + IP_CHECK, ~fold(sum16(head, tcp_at, 0)) & 0xffff);
        sum = sum16(head + 12, 8, 0);
    } else {
        put16(head + IP6_LENGTH, packet->head_bytes + payload - IP6_HEAD);
        sum = sum16(head + 8, 32, 0);
    }
    /* The kernel wants the sum of the pseudo-header here and takes the rest for right. */
    put16(tcp + TCP_CHECK, fold(sum + 6 + tcp_bytes));
}

static int send_out(int fd, struct iovec *parts, int count) {
    ssize_t done;
    do {
        done = writev(fd, parts, count);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -1 : 0;
}

/* Write segments that arrive together; return -1 if the kernel does not take them. */
int segments_write(int fd, const struct packet *packet, uint32_t first, uint32_t count) {
    struct virtio_net_hdr vnet = packet->vnet;
    if (count == packet->segments) {
        struct iovec whole[2] = {{&vnet, sizeof vnet}, {(void *)packet->data, packet->bytes}};
        return send_out(fd, whole, 2);
    }
    uint8_t head[LARGEST_HEAD];
    uint32_t from = packet->head_bytes + first * vnet.gso_size, until = from + count * vnet.gso_size;
    if (until > packet->bytes) until = packet->bytes;
    write_head(packet, first, count, until - from, head);
    vnet.hdr_len = (uint16_t)packet->head_bytes;
    if (count == 1) {
        vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
        vnet.gso_size = 0;
    }
    struct iovec parts[3] = {{&vnet, sizeof vnet}, {head, packet->head_bytes}, {(void *)(packet->data + from), until - from}};
    return send_out(fd, parts, 3);
}
