import { library } from '../../tsdown.base.ts'

export default library({ index: 'src/index.ts', proxy: 'src/proxy/index.ts' })
