# For CIs other than GitHub's:
#   docker build -t istio-canary . && docker run --rm -v "$PWD:/work" -v ~/.kube:/kube -e KUBECONFIG=/kube/config istio-canary plan
# dist/ is committed, so nothing is installed. Gates of the kind `run` find their programs in an image made FROM this one.
FROM node:24-alpine
COPY package.json LICENSE /opt/istio-canary/
COPY dist /opt/istio-canary/dist
RUN chmod 755 /opt/istio-canary/dist/index.js && ln -s /opt/istio-canary/dist/index.js /usr/local/bin/istio-canary
USER node
WORKDIR /work
ENTRYPOINT ["istio-canary"]
