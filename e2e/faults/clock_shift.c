/* Preloaded into an engine: shifts its wall clock by the nanoseconds that stand in a file of eight
 * bytes, named by CLOCK_SHIFT_FILE and read anew at every call. Steady clocks stay as they are, and
 * who waits until an instant of the wall clock waits as long as it meant to. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *shift;

__attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        shift = page;
}

static void add(struct timespec *instant, int64_t nanos) {
    int64_t rest = instant->tv_nsec + nanos % 1000000000;
    instant->tv_sec += nanos / 1000000000 + (rest >= 1000000000) - (rest < 0);
    instant->tv_nsec = rest + (rest < 0 ? 1000000000 : 0) - (rest >= 1000000000 ? 1000000000 : 0);
}

static int shifted(clockid_t clock, struct timespec *now) {
    if (syscall(SYS_clock_gettime, clock, now) != 0)
        return -1;
    if (shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        add(now, *shift);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) { return shifted(clock, now); }

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (shifted(CLOCK_REALTIME, &exact) != 0)
        return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec exact;
    if (shifted(CLOCK_REALTIME, &exact) != 0)
        return (time_t)-1;
    if (out)
        *out = exact.tv_sec;
    return exact.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    struct timespec exact = *until;
    /* Seconds since the machine's start never come near those since 1970. */
    if (exact.tv_sec < 1000000000)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &exact);
    if (shift)
        add(&exact, -*shift);
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &exact);
}

/* C's own threads are POSIX ones in the GNU library, but don't call them by their names. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    int result =
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return result == 0 ? thrd_success : result == ETIMEDOUT ? thrd_timedout : thrd_error;
}
