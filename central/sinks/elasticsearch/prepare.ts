import type { MooringError } from '../../../runtime/errors.ts';
import type { ElasticsearchApi } from './elasticsearch-api.ts';
import { endOf, patternsOf, undatedOf } from './index-name.ts';
import { SCHEMA, templateOf } from './index-template.ts';

interface Meta {
  readonly mooring?: { readonly schema?: number };
}

interface Templates {
  readonly index_templates?: readonly { readonly index_template?: { readonly _meta?: Meta } }[];
}

type Mappings = Readonly<Record<string, { readonly mappings?: { readonly _meta?: Meta } }>>;

/**
 * Makes or checks the index template and the indices that are there. Throws `SINK_UNFIT` where the server is none of the two,
 * or where the template or an index was made by something else or by a later Mooring; `SINK_FAILED` for what may pass.
 */
export async function prepare(api: ElasticsearchApi, index: string, signal: AbortSignal): Promise<void> {
  const server = await api.json<{ version?: { number?: string } }>({ method: 'GET', path: '/', signal });
  if (typeof server?.version?.number !== 'string')
    throw api.error('SINK_UNFIT', 'the server is neither Elasticsearch nor OpenSearch', undefined, {
      hint: 'See that the URL is that of the search engine itself.',
    });
  await checkIndices(api, index, signal);
  await makeTemplate(api, index, signal);
}

async function checkIndices(api: ElasticsearchApi, index: string, signal: AbortSignal): Promise<void> {
  const at = `/${patternsOf(index).join(',')}`;
  const query = { ignore_unavailable: 'true' };
  // The mappings leave out an index that has nothing of what they are asked for.
  const names = await api.json<object>({ method: 'GET', path: `${at}/_alias`, query, signal });
  const filter = { ...query, filter_path: '*.mappings._meta.mooring.schema' };
  const mappings = await api.json<Mappings>({ method: 'GET', path: `${at}/_mapping`, query: filter, signal });
  for (const name of Object.keys(names ?? {})) {
    if (name !== undatedOf(index) && endOf(name, index) === undefined) continue;
    const schema = mappings?.[name]?.mappings?._meta?.mooring?.schema;
    if (schema === undefined)
      throw api.error('SINK_UNFIT', 'an index under the name of the sink was made by something else', undefined, {
        index: name,
        hint: `Choose another \`index\`, or delete ${name}.`,
      });
    if (schema > SCHEMA) throw newer(api, { index: name, schema });
  }
}

async function makeTemplate(api: ElasticsearchApi, index: string, signal: AbortSignal): Promise<void> {
  const path = `/_index_template/${index}`;
  const found = await api.json<Templates>({ method: 'GET', path, signal });
  const [template] = found?.index_templates ?? [];
  if (template !== undefined) {
    const schema = template.index_template?._meta?.mooring?.schema;
    if (schema === undefined)
      throw api.error('SINK_UNFIT', 'the index template of that name was made by something else', undefined, {
        template: index,
        hint: `Choose another \`index\`, or delete the index template ${index}.`,
      });
    if (schema > SCHEMA) throw newer(api, { template: index, schema });
    // Left as it is: shards and copies are the operator's to say there.
    if (schema === SCHEMA) return;
  }
  const answer = await api.ask({
    method: 'PUT',
    path,
    contentType: 'application/json',
    body: JSON.stringify(templateOf(index)),
    signal,
  });
  if (answer.status >= 200 && answer.status < 300) return;
  const isForGood = [400, 401, 403].includes(answer.status);
  throw api.error(isForGood ? 'SINK_UNFIT' : 'SINK_FAILED', 'the index template cannot be made', answer, {
    template: index,
    hint: 'See the reason: another template may be for the same names, or the user may not make one.',
  });
}

function newer(api: ElasticsearchApi, context: Readonly<Record<string, unknown>>): MooringError {
  return api.error('SINK_UNFIT', 'what stands there was made by a later version', undefined, {
    ...context,
    hint: 'Run the version that made it, or a later one.',
  });
}
