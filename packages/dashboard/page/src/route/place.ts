import { isPageName, type PageName, type RulesOfPages } from './pages.ts'
import { allowedParams, type Params } from './params.ts'

/** A location in the dashboard: a page, the ID of a request, and the parameters of the view. */
export interface Place {
  readonly page: PageName
  readonly id: string | undefined
  readonly params: Params
}

const MAX_ADDRESS = 2_000

/** Parses the fragment of the URL. Invalid parts are replaced by defaults. */
export function parsePlace(fragment: string, rules: RulesOfPages): Place {
  const text = fragment.replace(/^#?\/?/, '').slice(0, MAX_ADDRESS)
  const [path = '', search = ''] = splitOnce(text, '?')
  const [first = '', second = ''] = splitOnce(path, '/')
  const page: PageName = isPageName(first) ? first : 'now'
  const id = page === 'requests' && second !== '' ? decoded(second) : undefined
  const isKnown = isPageName(first) || first === ''
  return {
    page,
    id: id !== undefined && /^[\w-]{1,64}$/.test(id) ? id : undefined,
    params: isKnown ? allowedParams(rules[page], new URLSearchParams(search)) : {},
  }
}

/** Returns the fragment of a location, with `#`. */
export function formatPlace({ page, id, params }: Place): string {
  const search = new URLSearchParams(params).toString()
  return `#/${page}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + by.length)]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
