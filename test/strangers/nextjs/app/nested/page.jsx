import { cities } from '../../lib/cities.js'
import { scoped } from '../../lib/scoped.js'

export const dynamic = 'force-dynamic'

async function List() {
  const rows = await cities()
  return <p>{rows.length} cities</p>
}

/** The list is rendered after the page's function has returned. */
export default scoped('/nested', () => <List />)
