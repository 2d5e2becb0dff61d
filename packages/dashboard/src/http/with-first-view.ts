import { type FirstView, firstViewId } from '../protocol/first-view.ts'

const END = '</body>'

/**
 * The page's document with what it shows first, as a block of data: nothing that a browser runs, so the page's policy has no say in it.
 *
 * @param html - The document as it was built.
 */
export function withFirstView(html: string, view: FirstView): string {
  const at = html.lastIndexOf(END)
  if (at < 0) return html
  // Without a `<`, nothing in it can end the element or begin a comment.
  const json = JSON.stringify(view).replaceAll('<', '\\u003c')
  return `${html.slice(0, at)}<script type="application/json" id="${firstViewId}">${json}</script>\n  ${html.slice(at)}`
}
