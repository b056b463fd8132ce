import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * One node of OpenSearch on loopback, until it is killed. The runner's own main takes no port outside 9201 to 9299, and does
 * not say so. Arguments: folder, HTTP port, transport port.
 */
public class OpenSearchNode {
  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[1]);
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.setMaxHttpPort(port);
    runner.onBuild((number, settings) -> settings
        .put("network.host", "127.0.0.1")
        .put("transport.port", arguments[2])
        .put("discovery.type", "single-node")
        .put("node.store.allow_mmap", false)
        .put("cluster.routing.allocation.disk.threshold_enabled", false));
    try {
      runner.build("-basePath", arguments[0], "-numOfNode", "1", "-baseHttpPort", "" + (port - 1),
          "-clusterName", "mooring");
    } catch (Throwable failure) {
      failure.printStackTrace();
      System.exit(1);
    }
    Thread.currentThread().join();
  }
}
