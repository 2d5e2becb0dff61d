/**
 * Mean number of callers that wait in a queue with several servers, Poisson arrivals and exponential service
 * times (M/M/c): by Erlang's C formula.
 *
 * @param load - Mean number of busy servers. Below `servers`.
 */
export function queueLength(servers: number, load: number): number {
  let blocking = 1
  for (let used = 1; used <= servers; used += 1) blocking = (load * blocking) / (used + load * blocking)
  const waiting = (servers * blocking) / (servers - load * (1 - blocking))
  return (waiting * load) / (servers - load)
}

/** The inverse: the load that lets so many callers wait. */
export function loadOf(servers: number, waiting: number): number {
  let [low, high] = [0, servers]
  // As many halvings as a number has bits.
  for (let step = 0; step < 53; step += 1) {
    const middle = (low + high) / 2
    if (queueLength(servers, middle) < waiting) low = middle
    else high = middle
  }
  return low
}
