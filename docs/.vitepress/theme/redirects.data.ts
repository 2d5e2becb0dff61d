import { type Redirects, readRedirects } from '../redirects.ts'

/** Read when the site is built. VitePress replaces the default export by what `load` returns. */
export declare const data: Redirects

export default {
  watch: ['../redirects.json', '../../reference/options/*.md'],
  load: readRedirects,
}
