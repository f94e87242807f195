/* Two new Tox accounts on this machine, and a third that both begin with: from their making to the first contact, messages
 * to their receipts, one file. Times go to standard output, in seconds or megabytes a second.
 *
 * usage: tox PORT BYTES PAUSE      PAUSE: microseconds between two turns, 0 for the interval that toxcore asks for
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tox/tox.h>

#define MESSAGES 30

static unsigned long file_bytes;
static useconds_t pause_us;
static atomic_int done;
static uint8_t address_of_bob[TOX_ADDRESS_SIZE];
static uint8_t boot_key[TOX_PUBLIC_KEY_SIZE];
static uint16_t boot_port;

/* What Alice's turns know. */
static uint32_t friend_number;
static atomic_int alice_sees, bob_sees, receipts, received_all;
static uint8_t chunk[4096];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static Tox *make(uint16_t port) {
    struct Tox_Options *options = tox_options_new(NULL);
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    tox_options_set_start_port(options, port);
    tox_options_set_end_port(options, port);
    Tox *tox = tox_new(options, NULL);
    tox_options_free(options);
    if (tox == NULL) {
        fprintf(stderr, "no Tox on port %u\n", port);
        exit(1);
    }
    return tox;
}

static void *turn(void *tox) {
    while (!atomic_load(&done)) {
        tox_iterate(tox, NULL);
        usleep(pause_us != 0 ? pause_us : tox_iteration_interval(tox) * 1000);
    }
    return NULL;
}

static void bob_is_asked(Tox *tox, const uint8_t *key, const uint8_t *message, size_t length, void *user) {
    (void)message, (void)length, (void)user;
    tox_friend_add_norequest(tox, key, NULL);
}

static void bob_meets(Tox *tox, uint32_t friend, Tox_Connection how, void *user) {
    (void)tox, (void)friend, (void)user;
    atomic_store(&bob_sees, how != TOX_CONNECTION_NONE);
}

static void bob_is_offered(Tox *tox, uint32_t friend, uint32_t file, uint32_t kind, uint64_t size, const uint8_t *name,
                           size_t length, void *user) {
    (void)kind, (void)size, (void)name, (void)length, (void)user;
    tox_file_control(tox, friend, file, TOX_FILE_CONTROL_RESUME, NULL);
}

static void bob_gets(Tox *tox, uint32_t friend, uint32_t file, uint64_t at, const uint8_t *data, size_t length, void *user) {
    (void)tox, (void)friend, (void)file, (void)at, (void)data, (void)user;
    if (length == 0) {
        atomic_store(&received_all, 1);
    }
}

static void alice_meets(Tox *tox, uint32_t friend, Tox_Connection how, void *user) {
    (void)tox, (void)friend, (void)user;
    atomic_store(&alice_sees, how != TOX_CONNECTION_NONE);
}

static void alice_has_receipt(Tox *tox, uint32_t friend, uint32_t message, void *user) {
    (void)tox, (void)friend, (void)message, (void)user;
    atomic_fetch_add(&receipts, 1);
}

static void alice_is_asked_for(Tox *tox, uint32_t friend, uint32_t file, uint64_t at, size_t length, void *user) {
    (void)user;
    tox_file_send_chunk(tox, friend, file, at, chunk, length, NULL);
}

/* Alice's turns, in the main thread, until something is so. */
static int until(Tox *alice, atomic_int *what, int value, double patience) {
    double end = now() + patience;
    while (atomic_load(what) < value) {
        if (now() > end) {
            return 0;
        }
        tox_iterate(alice, NULL);
        usleep(pause_us != 0 ? pause_us : tox_iteration_interval(alice) * 1000);
    }
    return 1;
}

int main(int count, char **arguments) {
    if (count != 4) {
        return 2;
    }
    boot_port = (uint16_t)atoi(arguments[1]);
    file_bytes = strtoul(arguments[2], NULL, 10);
    pause_us = (useconds_t)atoi(arguments[3]);

    Tox *boot = make(boot_port);
    tox_self_get_dht_id(boot, boot_key);
    pthread_t of_boot, of_bob;
    pthread_create(&of_boot, NULL, turn, boot);

    double begun = now();
    Tox *alice = make(boot_port + 1), *bob = make(boot_port + 2);
    tox_callback_friend_request(bob, bob_is_asked);
    tox_callback_friend_connection_status(bob, bob_meets);
    tox_callback_file_recv(bob, bob_is_offered);
    tox_callback_file_recv_chunk(bob, bob_gets);
    tox_callback_friend_connection_status(alice, alice_meets);
    tox_callback_friend_read_receipt(alice, alice_has_receipt);
    tox_callback_file_chunk_request(alice, alice_is_asked_for);
    tox_bootstrap(alice, "127.0.0.1", boot_port, boot_key, NULL);
    tox_bootstrap(bob, "127.0.0.1", boot_port, boot_key, NULL);
    tox_self_get_address(bob, address_of_bob);
    friend_number = tox_friend_add(alice, address_of_bob, (const uint8_t *)"hello", 5, NULL);
    pthread_create(&of_bob, NULL, turn, bob);
    if (!until(alice, &alice_sees, 1, 120) || !until(alice, &bob_sees, 1, 120)) {
        fprintf(stderr, "they did not meet\n");
        return 1;
    }
    printf("met %f\n", now() - begun);

    for (int number = 1; number <= MESSAGES; number++) {
        double sent = now();
        tox_friend_send_message(alice, friend_number, TOX_MESSAGE_TYPE_NORMAL, (const uint8_t *)"are you there?", 14, NULL);
        if (!until(alice, &receipts, number, 60)) {
            fprintf(stderr, "no receipt\n");
            return 1;
        }
        printf("receipt %f\n", now() - sent);
    }

    double offered = now();
    tox_file_send(alice, friend_number, TOX_FILE_KIND_DATA, file_bytes, NULL, (const uint8_t *)"f", 1, NULL);
    if (!until(alice, &received_all, 1, 600)) {
        fprintf(stderr, "the file did not arrive\n");
        return 1;
    }
    printf("file %f\n", (double)file_bytes / (now() - offered) / 1e6);
    atomic_store(&done, 1);
    pthread_join(of_bob, NULL);
    pthread_join(of_boot, NULL);
    return 0;
}
