/** The pages, in the order of the navigation, with the key that follows `g`. */
export const pages = [
  { name: 'now', title: 'Now', key: 'n' },
  { name: 'requests', title: 'Requests', key: 'r' },
  { name: 'findings', title: 'Findings', key: 'f' },
  { name: 'queries', title: 'Queries', key: 'q' },
  { name: 'cache', title: 'Cache', key: 'c' },
  { name: 'nodes', title: 'Nodes', key: 'o' },
  { name: 'jobs', title: 'Jobs', key: 'j' },
  { name: 'metrics', title: 'Metrics', key: 'm' },
  { name: 'alerts', title: 'Alerts & scaling', key: 'a' },
] as const

export type PageName = (typeof pages)[number]['name']

export function isPageName(text: string): text is PageName {
  return pages.some(({ name }) => name === text)
}
