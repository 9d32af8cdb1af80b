package bavn.test;

import java.io.IOException;
import java.util.*;
import java.util.function.*;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.analysis.*;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.*;
import org.elasticsearch.rest.*;
import org.elasticsearch.xcontent.XContentBuilder;
import org.apache.lucene.util.Version;

/** Test-only: the few analysis parts the .security index needs, and GET/HEAD / . */
public class MiniPlugin extends Plugin implements AnalysisPlugin, ActionPlugin {
    static TokenFilterFactory f(String n, UnaryOperator<TokenStream> op) {
        return new AbstractTokenFilterFactory(n) { public TokenStream create(TokenStream t) { return op.apply(t); } };
    }
    @Override public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        Map<String, AnalysisProvider<TokenFilterFactory>> m = new HashMap<>();
        m.put("unique", (s, e, n, st) -> f(n, RemoveDuplicatesTokenFilter::new));
        m.put("pattern_capture", (s, e, n, st) -> {
            Pattern[] ps = st.getAsList("patterns", List.of(".*")).stream().map(Pattern::compile).toArray(Pattern[]::new);
            boolean keep = st.getAsBoolean("preserve_original", true);
            return f(n, t -> new PatternCaptureGroupTokenFilter(t, keep, ps));
        });
        return m;
    }
    @Override public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
        return List.of(
                       PreConfiguredTokenFilter.singleton("unique", false, RemoveDuplicatesTokenFilter::new));
    }
    @Override public List<PreConfiguredTokenizer> getPreConfiguredTokenizers() {
        return List.of(PreConfiguredTokenizer.singleton("uax_url_email", UAX29URLEmailTokenizer::new));
    }
    @Override public Collection<RestHandler> getRestHandlers(RestHandlersServices s, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> feat) {
        return List.of(new BaseRestHandler() {
            public String getName() { return "bavn_root"; }
            public List<Route> routes() { return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/")); }
            protected RestChannelConsumer prepareRequest(RestRequest r, NodeClient c) throws IOException {
                return ch -> {
                    XContentBuilder b = ch.newBuilder();
                    b.startObject().field("name", nodes.get().getLocalNode().getName()).startObject("version")
                     .field("number", Build.current().version()).field("build_flavor", Build.current().flavor())
                     .field("lucene_version", Version.LATEST.toString()).endObject()
                     .field("tagline", "You Know, for Search").endObject();
                    ch.sendResponse(new RestResponse(RestStatus.OK, b));
                };
            }
        });
    }
}
