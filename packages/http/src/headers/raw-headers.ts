import type { Dispatcher } from 'undici'

type Raw = readonly (Buffer | string)[]

/** The headers of an answer as they came: names and values by turns, what is there twice stays twice. */
export function rawHeadersOf({ rawHeaders }: Pick<Dispatcher.DispatchController, 'rawHeaders'>): string[] {
  return ((rawHeaders ?? []) as Raw).map(textOf)
}

/** The same of what came after its body. */
export function rawTrailersOf({ rawTrailers }: Pick<Dispatcher.DispatchController, 'rawTrailers'>): string[] {
  return ((rawTrailers ?? []) as Raw).map(textOf)
}

function textOf(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1')
}
