import { withBase } from 'vitepress'
import { data as redirects } from './redirects.data.ts'

/** Opens the new location of a renamed page or heading, in place of the old one in the browser's history. */
export function redirect(): void {
  const base = withBase('/')
  const page = `/${location.pathname.slice(base.length)}`.replace(/\.html$/, '')
  const [path, anchor] = (redirects[`${page}${location.hash}`] ?? redirects[page])?.split('#') ?? []
  if (path === undefined) return
  const hash = anchor === undefined ? location.hash : `#${anchor}`
  location.replace(path === page ? hash : `${withBase(`${path}.html`)}${hash}`)
}
