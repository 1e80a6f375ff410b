/* The line's process: two namespaces of its own, a TUN device in each, and one loop between them.
 *
 * It reads its configuration from standard input up to `go`, answers `ready CLIENT_FD SERVER_FD` (descriptors of the
 * namespaces, to be entered through /proc/PID/fd) and runs until standard input ends. Then it ends whatever still runs in
 * its namespaces; these go with the last process in them, so nothing is left behind, whoever was killed. */
#define _GNU_SOURCE
#include "netlab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LARGEST_PACKET (65536 + 256)
#define READS_PER_TURN 512
#define SHORTEST_TURN_NS 100000 /* batches at high rates; an error of delay that is a tenth of what is promised */
#define LONGEST_SLEEP_NS (SECOND_NS / 20)

static struct line lines[2]; /* 0: upload, client to server; 1: download */
static int tun_fds[2], namespace_fds[2];
static char account_path[4096];

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static int make_side(int *namespace_fd) {
    if (unshare(CLONE_NEWNET)) fail("no network namespace can be made");
    *namespace_fd = open("/proc/self/ns/net", O_RDONLY);
    if (*namespace_fd < 0) fail("/proc/self/ns/net");
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd < 0) fail("/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    strcpy(request.ifr_name, "line");
    if (ioctl(fd, TUNSETIFF, &request)) fail("no TUN device can be made");
    if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) fail("TUNSETOFFLOAD");
    return fd;
}

static void make_sides(void) {
    int home = open("/proc/self/ns/net", O_RDONLY);
    if (home < 0) fail("/proc/self/ns/net");
    for (int side = 0; side < 2; side++) tun_fds[side] = make_side(&namespace_fds[side]);
    if (setns(home, CLONE_NEWNET)) fail("setns");
    close(home);
    lines[0].out_fd = tun_fds[1];
    lines[1].out_fd = tun_fds[0];
}

static void add_step(struct line *line, int64_t at_ns, int64_t rate_bps) {
    line->steps = realloc(line->steps, (size_t)(line->step_count + 1) * sizeof *line->steps);
    if (!line->steps) fail("memory");
    line->steps[line->step_count++] = (struct step){at_ns, rate_bps};
}

/* One line of configuration: `0|1 KEY VALUE [VALUE]`, `account PATH`, `go`. */
static int configure(const char *text) {
    char key[32];
    int which;
    double a = 0, b = 0;
    if (!strncmp(text, "go", 2)) return 0;
    if (sscanf(text, "account %4095[^\n]", account_path) == 1) return 1;
    if (sscanf(text, "%d %31s %lf %lf", &which, key, &a, &b) < 3 || which < 0 || which > 1) {
        errno = EINVAL;
        fail(text);
    }
    struct line *line = &lines[which];
    if (!strcmp(key, "step")) add_step(line, (int64_t)a, (int64_t)b);
    else if (!strcmp(key, "repeat_ns")) line->repeat_ns = (int64_t)a;
    else if (!strcmp(key, "phase_ns")) line->phase_ns = (int64_t)a;
    else if (!strcmp(key, "delay_ns")) line->delay_ns = (int64_t)a;
    else if (!strcmp(key, "jitter_ns")) line->jitter_ns = (int64_t)a;
    else if (!strcmp(key, "reorder")) line->reorder = a != 0;
    else if (!strcmp(key, "queue_ns")) line->queue_ns = (int64_t)a;
    else if (!strcmp(key, "loss")) line->loss = a;
    else if (!strcmp(key, "bursts")) line->to_bad = a, line->to_good = b;
    else if (!strcmp(key, "loss_bad")) line->loss_bad = a;
    else if (!strcmp(key, "seed")) line->seed = (uint64_t)a;
    else {
        errno = EINVAL;
        fail(key);
    }
    return 1;
}

static void read_configuration(void) {
    char text[4200];
    do {
        if (!fgets(text, sizeof text, stdin)) exit(1);
    } while (configure(text));
    for (int i = 0; i < 2; i++) {
        int64_t best_bps = 0;
        for (int k = 0; k < lines[i].step_count; k++)
            if (lines[i].steps[k].rate_bps > best_bps) best_bps = lines[i].steps[k].rate_bps;
        errno = EINVAL;
        if (!best_bps || lines[i].steps[0].at_ns) fail("a direction needs a rate from the beginning");
    }
}

static struct account *open_account(void) {
    int fd = open(account_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct account))) fail(account_path);
    struct account *account = mmap(NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (account == MAP_FAILED) fail(account_path);
    close(fd);
    account->slot_ns = SLOT_NS;
    account->slots = SLOTS;
    account->start_ns = (uint64_t)clock_ns();
    for (int i = 0; i < 2; i++) {
        lines[i].totals = &account->totals[i];
        lines[i].slots = account->slot[i];
        line_start(&lines[i], (int64_t)account->start_ns);
    }
    account->magic = MAGIC;
    return account;
}

/* What a kernel says to its neighbours when it likes is not part of the line: it would shift the draws of loss. */
static int is_multicast(const uint8_t *data, size_t bytes) {
    if (bytes >= 20 && data[0] >> 4 == 4) return data[16] >> 4 == 14;
    return bytes >= 40 && data[0] >> 4 == 6 && data[24] == 0xff;
}

static void read_side(int side, int64_t now_ns) {
    static uint8_t buffer[sizeof(struct virtio_net_hdr) + LARGEST_PACKET];
    struct virtio_net_hdr vnet;
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t got = read(tun_fds[side], buffer, sizeof buffer);
        if (got <= (ssize_t)sizeof vnet) return;
        if (is_multicast(buffer + sizeof vnet, (size_t)got - sizeof vnet)) continue;
        memcpy(&vnet, buffer, sizeof vnet);
        struct packet *packet = packet_new(&vnet, buffer + sizeof vnet, (uint32_t)got - (uint32_t)sizeof vnet);
        if (packet) line_offer(&lines[side], packet, now_ns);
    }
}

/* Wait for a packet, the next delivery or the end of standard input; return 0 at the end. */
static int wait_for_work(int64_t turn_began_ns) {
    int64_t now_ns = clock_ns(), next_ns = now_ns + LONGEST_SLEEP_NS;
    for (int i = 0; i < 2; i++)
        if (line_next_ns(&lines[i]) < next_ns) next_ns = line_next_ns(&lines[i]);
    int64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    struct timespec limit = {left_ns / SECOND_NS, left_ns % SECOND_NS};
    struct pollfd fds[3] = {{tun_fds[0], POLLIN, 0}, {tun_fds[1], POLLIN, 0}, {0, POLLIN, 0}};
    if (ppoll(fds, 3, &limit, NULL) < 0 && errno != EINTR) fail("ppoll");
    if (fds[2].revents) return 0;
    left_ns = turn_began_ns + SHORTEST_TURN_NS - clock_ns();
    if (left_ns > 0) {
        struct timespec rest = {0, left_ns};
        nanosleep(&rest, NULL);
    }
    return 1;
}

static void run(void) {
    int64_t now_ns;
    do {
        now_ns = clock_ns();
        for (int side = 0; side < 2; side++) read_side(side, now_ns);
        for (int i = 0; i < 2; i++) {
            line_deliver(&lines[i], clock_ns());
            line_fill(&lines[i], now_ns);
        }
    } while (wait_for_work(now_ns));
}

/* End the processes that still run in the two namespaces, and no others. */
static void end_inhabitants(void) {
    struct stat ours[2], theirs;
    for (int i = 0; i < 2; i++)
        if (fstat(namespace_fds[i], &ours[i])) return;
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    char path[64];
    while (directory && (entry = readdir(directory))) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/%.20s/ns/net", entry->d_name);
        if (stat(path, &theirs)) continue;
        for (int i = 0; i < 2; i++)
            if (theirs.st_ino == ours[i].st_ino && theirs.st_dev == ours[i].st_dev) kill(atoi(entry->d_name), SIGKILL);
    }
    if (directory) closedir(directory);
}

int main(int argc, char **argv) {
    make_sides();
    if (argc > 1 && !strcmp(argv[1], "--check")) return 0;
    read_configuration();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C in a terminal reaches us too; the end of standard input tells when to go */
    struct sched_param priority = {.sched_priority = 2};
    sched_setscheduler(0, SCHED_RR, &priority); /* if it is not allowed, a busy machine makes the line less exact */
    prctl(PR_SET_TIMERSLACK, 1000);
    open_account();
    printf("ready %d %d\n", namespace_fds[0], namespace_fds[1]);
    fflush(stdout);
    run();
    end_inhabitants();
    return 0;
}
