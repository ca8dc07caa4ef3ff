export type Tokens = readonly number[]

/** What a model says may follow a sequence: tokens with their log probabilities. */
export type Next = readonly (readonly [token: number, log: number])[]

/** Asks what may follow each of some sequences; ends with whole ones. */
export type Search = Generator<readonly Tokens[], Tokens[], readonly Next[]>

/** A sequence and its log probability. */
export type Scored = readonly [tokens: Tokens, log: number]

/** The `width` likeliest sequences that begin so, one token longer each time, until `whole` says that they are. */
export function* likeliest(
  width: number,
  whole: (tokens: Tokens) => boolean,
  from: Scored = [[], 0],
): Generator<readonly Tokens[], readonly Scored[], readonly Next[]> {
  let kept: readonly Scored[] = [from]
  for (let open = kept; open.length > 0; open = kept.filter(([tokens]) => !whole(tokens))) {
    const answers = yield open.map(([tokens]) => tokens)
    const longer = open.flatMap(([tokens, score], i) =>
      answers[i].map(([token, log]) => [[...tokens, token], score + log] as const),
    )
    const all = [...kept.filter((one) => !open.includes(one)), ...longer]
    kept = all.sort((a, b) => b[1] - a[1]).slice(0, width)
  }
  return kept
}

/** Beam search: the `tries` likeliest whole sequences of a beam of `width`. A beam of one is greedy. */
export function* beam(width: number, whole: (tokens: Tokens) => boolean, tries = width): Search {
  return (yield* likeliest(width, whole)).slice(0, tries).map(([tokens]) => tokens)
}

/** A search that asks only for what is not known yet, and notes it. */
export function* remembering<Found>(
  search: Generator<readonly Tokens[], Found, readonly Next[]>,
  known: Map<string, Next>,
): Generator<readonly Tokens[], Found, readonly Next[]> {
  let now = search.next()
  while (!now.done) {
    const fresh = now.value.filter((tokens) => !known.has(`${tokens}`))
    const answers = fresh.length > 0 ? yield fresh : []
    for (const [i, tokens] of fresh.entries()) known.set(`${tokens}`, answers[i])
    now = search.next(now.value.map((tokens) => known.get(`${tokens}`)!))
  }
  return now.value
}

/** Runs searches, each about something, side by side, asking for up to `most` at a time; what they end with, and asked for. */
export async function decode<About>(
  abouts: readonly About[],
  by: (about: About) => Search,
  ask: (asked: { about: About; tokens: Tokens }[]) => Promise<Next[]>,
  most: number,
): Promise<{ found: Tokens[][]; asked: number }> {
  let asked = 0
  const searches = abouts.map((about) => ({ about, search: by(about), now: {} as ReturnType<Search['next']> }))
  for (const one of searches) one.now = one.search.next()
  for (let open = searches; open.length > 0; open = searches.filter(({ now }) => !now.done)) {
    const all = open.flatMap(({ about, now }) => now.value.map((tokens) => ({ about, tokens })))
    const answers: Next[] = []
    for (let from = 0; from < all.length; from += most) answers.push(...(await ask(all.slice(from, from + most))))
    asked += all.length
    for (const one of open) one.now = one.search.next(answers.splice(0, one.now.value.length))
  }
  return { found: searches.map(({ now }) => now.value as Tokens[]), asked }
}
