# In the place of node:24-bookworm-slim: Debian's base, Node as its package of npm has it, and npm.
FROM localhost/mooring-debian
COPY node/bin/node /usr/local/bin/node
COPY node/include /usr/local/include
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && node --version && npm --version
CMD ["node"]
