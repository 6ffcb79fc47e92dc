'use strict';

// docs/openapi.yaml as something to hold against itself and against answers.

const fs = require('node:fs');
const Ajv2020 = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;
const yaml = require('yaml');

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];

// One step of a JSON pointer.
const step = (name) => String(name).replaceAll('~', '~0').replaceAll('/', '~1');

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// Calls back for every object inside, with its pointer.
function walk(value, visit, pointer = '') {
  if (isObject(value)) visit(value, pointer);
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) walk(inner, visit, `${pointer}/${step(key)}`);
}

class OpenApiDocument {
  constructor(file) {
    this.text = fs.readFileSync(file, 'utf8');
    this.root = yaml.parse(this.text);
    this.ajv = new Ajv2020({ strict: false, allErrors: false });
    addFormats(this.ajv);
    this.ajv.addSchema(this.root, 'document');
    this.operations = [];
    for (const [path, item] of Object.entries(this.root.paths)) {
      for (const method of methods.filter((name) => name in item)) {
        const pointer = `/paths/${step(path)}/${method}`;
        const parameters = [...(item.parameters ?? []), ...(item[method].parameters ?? [])];
        this.operations.push({
          ...item[method],
          path,
          method: method.toUpperCase(),
          pointer,
          parameters: parameters.map((each) => this.resolve(each).value),
          pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[a-z]+\}/g, '[^/]+')}$`),
        });
      }
    }
  }

  at(pointer) {
    return pointer
      .split('/')
      .slice(1)
      .reduce((value, name) => value?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], this.root);
  }

  // What an object stands for, with its pointer where it has one of its own.
  resolve(value, pointer) {
    if (!isObject(value) || !('$ref' in value)) return { value, pointer };
    const target = value.$ref.slice(1);
    return this.resolve(this.at(target), target);
  }

  // What is wrong with the value by the schema at the pointer; empty where nothing is.
  complaint(pointer, value) {
    const fragment = pointer.split('/').map(encodeURIComponent).join('/');
    const validate = this.ajv.getSchema(`document#${fragment}`) ??
      this.ajv.compile({ $ref: `document#${fragment}` });
    if (validate(value)) return '';
    const [first] = validate.errors;
    const name = first.params.additionalProperty ?? first.params.unevaluatedProperty ?? first.params.allowedValues ?? '';
    return `${first.instancePath || 'the whole'} ${first.message} ${name}`.trim();
  }

  operation(id) {
    const found = this.operations.find((each) => each.operationId === id);
    if (!found) throw new Error(`no operation is called ${id}`);
    return found;
  }

  // The answer that the document has for a status: that of the status, or what may come of any request.
  answerFor(operation, status) {
    for (const key of [String(status), 'default']) {
      if (!(key in operation.responses)) continue;
      const { value, pointer } = this.resolve(operation.responses[key], `${operation.pointer}/responses/${key}`);
      if (key === 'default' && !value['x-statuses'].includes(status)) return undefined;
      return { ...value, pointer, key };
    }
    return undefined;
  }

  // Everything that is wrong with an answer: {status, headers, body}. Without `hasBody` it has none, as to HEAD.
  problemsOf(operation, reply, hasBody = true) {
    const where = `${operation.method} ${operation.path} ${reply.status}`;
    const answer = this.answerFor(operation, reply.status);
    if (!answer) return [`${where}: the status is not documented`];
    const problems = [];
    for (const [name, given] of Object.entries(answer.headers ?? {})) {
      const { value: header, pointer } = this.resolve(given);
      const sent = reply.headers[name.toLowerCase()];
      if (sent === undefined) {
        if (header.required) problems.push(`${where}: it has no ${name}`);
        continue;
      }
      const wrong = this.complaint(`${pointer}/schema`, header.schema.type === 'integer' ? Number(sent) : sent);
      if (wrong) problems.push(`${where}: ${name}: ${sent}: ${wrong}`);
    }
    const type = reply.headers['content-type'];
    if (!answer.content) {
      if (reply.body !== '') problems.push(`${where}: it has a body`);
      return problems;
    }
    if (!(type in answer.content)) return [...problems, `${where}: ${type} is not documented`];
    if (!hasBody) return reply.body === '' ? problems : [...problems, `${where}: it has a body`];
    let value = reply.body;
    if (type === 'application/json') {
      try {
        value = JSON.parse(reply.body);
      } catch {
        return [...problems, `${where}: the body is no JSON: ${reply.body.slice(0, 200)}`];
      }
    }
    const wrong = this.complaint(`${answer.pointer}/content/${step(type)}/schema`, value);
    return wrong ? [...problems, `${where}: ${wrong}`] : problems;
  }

  // ---- The document by itself

  async problems() {
    const { Validator } = await import('@seriousme/openapi-schema-validator');
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(this.root));
    const problems = valid ? [] : [`it is not valid OpenAPI: ${JSON.stringify(errors).slice(0, 1000)}`];
    if (validator.version !== '3.1') problems.push(`it is OpenAPI ${validator.version}, not 3.1`);
    const references = this.problemsOfReferences();
    if (references.length > 0) return [...problems, ...references];
    return [
      ...problems,
      ...this.problemsOfOperations(),
      ...this.problemsOfSchemas(),
      ...this.problemsOfExamples(),
    ];
  }

  problemsOfReferences() {
    const problems = [];
    const used = new Set();
    walk(this.root, (value, pointer) => {
      if (typeof value.$ref !== 'string') return;
      used.add(value.$ref.slice(1));
      if (this.at(value.$ref.slice(1)) === undefined) problems.push(`${pointer}: there is no ${value.$ref}`);
    });
    for (const [kind, all] of Object.entries(this.root.components)) {
      if (kind === 'securitySchemes') continue;
      for (const name of Object.keys(all))
        if (!used.has(`/components/${kind}/${name}`)) problems.push(`nothing uses /components/${kind}/${name}`);
    }
    return problems;
  }

  problemsOfOperations() {
    const problems = [];
    const ids = new Set();
    for (const operation of this.operations) {
      const where = `${operation.method} ${operation.path}`;
      if (!operation.operationId || ids.has(operation.operationId)) problems.push(`${where}: it needs an id of its own`);
      ids.add(operation.operationId);
      const inPath = [...operation.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]);
      const declared = operation.parameters.filter((each) => each.in === 'path').map((each) => each.name);
      if (inPath.join() !== declared.join()) problems.push(`${where}: its path has ${inPath}, declared are ${declared}`);
      for (const key of ['default', '401', '429', '503'])
        if (!(key in operation.responses)) problems.push(`${where}: any request may be answered ${key}`);
      if (operation.method === 'POST' && JSON.stringify(operation.security) !== '[{"bearer":[]}]')
        problems.push(`${where}: whoever changes something needs a token`);
      const tags = (this.root.tags ?? []).map((tag) => tag.name);
      if (!operation.tags?.every((tag) => tags.includes(tag))) problems.push(`${where}: its tag is not declared`);
    }
    return problems;
  }

  // Objects are closed, so that a member that is not documented does not pass.
  problemsOfSchemas() {
    const problems = [];
    walk(this.root.components, (value, pointer) => {
      const isClosed = 'additionalProperties' in value || 'unevaluatedProperties' in value;
      if (value.type === 'object' && !isClosed && !pointer.endsWith('Members'))
        problems.push(`/components${pointer}: other members are not ruled out`);
      if (value.$ref?.endsWith('Members') && !/\/allOf\/\d+$/.test(pointer))
        problems.push(`/components${pointer}: ${value.$ref} is not closed`);
      const known = Object.keys(value.properties ?? {});
      for (const name of Array.isArray(value.required) ? value.required : [])
        if (!known.includes(name)) problems.push(`/components${pointer}: ${name} is required and not described`);
    });
    walk(this.root, (value, pointer) => {
      for (const [key, inner] of Object.entries(value))
        if (inner === null && !pointer.includes('/example')) problems.push(`${pointer}/${key} is null`);
    });
    return problems;
  }

  problemsOfExamples() {
    const problems = [];
    let count = 0;
    walk(this.root, (value, pointer) => {
      if (!('example' in value) || pointer.includes('/example')) return;
      const schema = 'schema' in value ? `${pointer}/schema` : pointer;
      if (pointer.endsWith('/properties')) return;
      count += 1;
      const wrong = this.complaint(schema, value.example);
      if (wrong) problems.push(`${pointer}: its example: ${wrong}`);
    });
    return count > 20 ? problems : [...problems, `only ${count} examples were found`];
  }
}

module.exports = { OpenApiDocument };

if (require.main === module) {
  new OpenApiDocument(process.argv[2]).problems().then((problems) => {
    for (const problem of problems) console.log(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
  });
}
